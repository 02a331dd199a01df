"""Point those who read a secret somewhere else: change some keys of its JSON, keep the others.

A new version becomes AWSCURRENT and the one before AWSPREVIOUS (AWS: PutSecretValue). Undoing moves the label back. No
value of a secret reaches the journal; only the ids of versions do, and the new values that the caller gives, which must
not be secret: host, port, name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import make
from drillbook.aws.recovery.setting import Setting
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

_CURRENT = "AWSCURRENT"


class SecretFieldsSettings(Settings):
    name: str
    """Name or ARN; under the key ``secret`` it would be taken for one."""
    fields: dict[str, Json]
    region: str | None = None


class SecretFields(Setting[SecretFieldsSettings]):
    """Set some keys of a secret."""

    Settings = SecretFieldsSettings
    service = "secretsmanager"

    def describe(self) -> str:
        return f"set {', '.join(sorted(self.settings.fields))} of the secret {self.settings.name}"

    def touches(self) -> list[str]:
        secret = self.settings.name
        return [secret if secret.startswith("arn:") else self.arn("secretsmanager", f"secret:{secret}")]

    def read(self) -> Json:
        """The version that is current."""
        return self.client.get_secret_value(SecretId=self.settings.name)["VersionId"]

    def wanted(self, before: Json) -> Json:
        return before if self.fits() else None

    def write(self, state: Json) -> None:
        """Make ``state`` the current version; None: a new version with the fields."""
        secret = self.settings.name
        if state is not None:
            self.client.update_secret_version_stage(
                SecretId=secret, VersionStage=_CURRENT, MoveToVersionId=state, RemoveFromVersionId=self.read()
            )
            return
        self._refuse_a_replica()
        text = json.dumps(self._fields() | self.settings.fields)
        self.client.put_secret_value(SecretId=secret, SecretString=text)

    def fits(self) -> bool:
        """Does the current version have all the fields already?"""
        return self.settings.fields.items() <= self._fields().items()

    def _fields(self) -> dict[str, Json]:
        with calling(f"read the secret {self.settings.name}"):
            text = self.client.get_secret_value(SecretId=self.settings.name).get("SecretString", "")
        try:
            fields = json.loads(text)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            what = f"the secret {self.settings.name} is no JSON object, so it has no fields to set"
            raise PermanentError(what, do="store it as key/value pairs, or put its new value by hand")
        return fields

    def _refuse_a_replica(self) -> None:
        primary = self.client.describe_secret(SecretId=self.settings.name).get("PrimaryRegion")
        if primary and primary != self.region:
            raise PermanentError(
                f"the secret {self.settings.name} in {self.region} is a replica of the one in {primary}",
                code="InvalidRequestException",
                do="change it there; if that region is lost, make the replica a secret of its own first "
                "(aws secretsmanager stop-replication-to-replica)",
            )


def repoint(world: World, secret: str, fields: Mapping[str, Json], *, region: str | None = None) -> None:
    """Make ``fields`` be what they say in ``secret``; its other keys stay. Who caches the secret must be restarted.

    Raises PermanentError if it is not there, is no JSON object, or is a replica; JournalError for fields that look
    secret.
    """
    settings = SecretFieldsSettings(name=secret, fields=dict(fields), region=region)
    if not SecretFields(world, settings).fits():
        make(world, SecretFields, settings)


def points_to(world: World, secret: str, fields: Mapping[str, Json], *, region: str | None = None) -> bool:
    """Does the secret have all these fields?"""
    return SecretFields(world, SecretFieldsSettings(name=secret, fields=dict(fields), region=region)).fits()
