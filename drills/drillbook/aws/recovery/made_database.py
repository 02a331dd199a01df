"""Databases and snapshots that a recovery makes: tagged as its own, adopted when met again, deleted when undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery.database_kinds import (
    CLUSTER,
    INSTANCE,
    POLL,
    Kind,
    arn_of,
    is_not_yet,
    look,
    rds_of,
    tags_of,
)
from drillbook.aws.recovery.journalled import make
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.waiting import wait_for

if TYPE_CHECKING:
    from drillbook.world import World

RUN_TAG = "drillbook-run"
ORIGIN_TAG = "drillbook-made-of"
DELETE_PATIENCE = 4 * 3600.0
"""AWS deletes nothing that is still being restored."""
_TAG_LENGTH = 256


class MadeDatabaseSettings(Settings):
    name: str
    region: str | None = None


class MadeDatabase:
    """Base of the changes that make something in RDS. One that is there already is never deleted by undoing."""

    kind: ClassVar[Kind]

    def __init__(self, world: World, settings: Any) -> None:
        self._world, self._settings, self._name = world, settings, settings.name
        self._session = session_of(world)
        self._rds = rds_of(world, settings.region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"make the {self.kind.noun} {self._name} ({self.origin})"

    def touches(self) -> list[str]:
        return [arn_of(self._world, self._settings.region, self.kind, self._name)]

    def capture(self) -> Json:
        return {"existed": self.exists(), "run": self._world.run_id}

    def apply(self, before: Json) -> None:
        if before["existed"]:
            self.refuse_a_stranger(before["run"])
            return
        ours = {RUN_TAG: before["run"], ORIGIN_TAG: self.origin[:_TAG_LENGTH]}
        with calling(self.describe()):
            self.create([{"Key": key, "Value": value} for key, value in ours.items()])

    def restore(self, before: Json) -> None:
        """Delete it. Something of that name which this run did not make is left alone: PermanentError."""
        if self.restored(before):
            return
        self.refuse_a_stranger(before["run"])
        wait_for(
            f"deleting the {self.kind.noun} {self._name}",
            self._delete,
            timeout=DELETE_PATIENCE,
            interval=POLL / self._world.speed,
            clock=self._world.clock,
            do="delete it by hand when what is under way on it has ended",
        )

    def restored(self, before: Json) -> bool:
        return before["existed"] or not self.exists()

    def exists(self) -> bool:
        return look(self._rds, self.kind, self._name) is not None

    def refuse_a_stranger(self, run: str) -> None:
        """What bears that name and was not made by this run of the same thing belongs to somebody else."""
        found = look(self._rds, self.kind, self._name)
        tags = tags_of(found or {})
        if found is not None and (tags.get(RUN_TAG), tags.get(ORIGIN_TAG)) != (run, self.origin[:_TAG_LENGTH]):
            raise PermanentError(
                f"the {self.kind.noun} {self._name} exists and was not made by this drill ({self.origin})",
                code="AlreadyExists",
                do="choose another name, or remove it; a drill touches only what it made",
            )

    # What the kinds differ in

    @property
    def origin(self) -> str:
        """What it is made of, in the characters that RDS allows in a tag: letters, digits, ``_.:/=+-@``, spaces."""
        raise NotImplementedError

    def create(self, tags: list[dict[str, str]]) -> None:
        raise NotImplementedError

    def _delete(self) -> bool:
        """Ask for the deletion as long as it is there; RDS refuses while something is under way."""
        return delete(self._rds, self.kind, self._name)


def make_or_adopt(world: World, factory: type[MadeDatabase], settings: MadeDatabaseSettings) -> None:
    """Make it, unless this run has made it before. Raises PermanentError if somebody else has."""
    change = factory(world, settings)
    if change.exists():
        change.refuse_a_stranger(world.run_id)
    else:
        make(world, factory, settings)


def delete(rds: Any, kind: Kind, name: str) -> bool:
    """Ask for the deletion without a final snapshot. True once it is gone; a cluster takes its instances along."""
    from botocore.exceptions import ClientError

    found = look(rds, kind, name)
    if found is None:
        return True
    with calling(f"delete the {kind.noun} {name}"):
        try:
            if found.get("DeletionProtection"):
                _unprotect(rds, kind, name)
            elif found[kind.status] != "deleting" and not _has_members(rds, found):
                getattr(rds, kind.delete)(**{kind.name: name}, **kind.without_final_snapshot)
        except ClientError as error:
            if not is_not_yet(code_of(error)) and "NotFound" not in code_of(error):
                raise
    return False


def _has_members(rds: Any, found: dict[str, Any]) -> bool:
    members = [one["DBInstanceIdentifier"] for one in found.get("DBClusterMembers", [])]
    return bool([name for name in members if not delete(rds, INSTANCE, name)])


def _unprotect(rds: Any, kind: Kind, name: str) -> None:
    modify = rds.modify_db_cluster if kind is CLUSTER else rds.modify_db_instance
    modify(**{kind.name: name}, DeletionProtection=False, ApplyImmediately=True)
