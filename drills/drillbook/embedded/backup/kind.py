"""What must be told of each kind of resource that can be backed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from drillbook.embedded.backup.records import RecoveryPoint
from drillbook.embedded.backup.refusals import bad_metadata
from drillbook.embedded.backup.work import Work


@dataclass(frozen=True)
class Home:
    """Whose resources, and where."""

    account: str
    region: str


@dataclass(frozen=True)
class Taken:
    """The inside of a recovery point."""

    arn: str
    contents: Any
    size: int
    restore_metadata: dict[str, str]


class Kind(Protocol):
    """One kind of resource. All is done through moto's backend of its service, so that it is done truly."""

    type: str
    """As AWS Backup names it."""
    names_point_at_once: bool
    """Does the answer of StartBackupJob name the recovery point already?
    https://docs.aws.amazon.com/aws-backup/latest/devguide/API_StartBackupJob.html#API_StartBackupJob_ResponseSyntax"""

    vault_encrypts: bool
    """Are its recovery points encrypted with the vault's key, and not with the resource's own?
    https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html"""

    def owns(self, arn: str) -> bool:
        """Is it an ARN of this kind?"""
        ...

    def name(self, home: Home, arn: str) -> str | None:
        """The resource's name; None if it is not there."""
        ...

    def tags(self, home: Home, arn: str) -> dict[str, str]: ...

    def tag(self, home: Home, arn: str, tags: dict[str, str]) -> None: ...

    def point_arn(self, home: Home, name: str, number: str) -> str:
        """The ARN of the recovery point which the job of that number makes."""
        ...

    def back_up(self, home: Home, name: str, point_arn: str, work: Work) -> Taken:
        """Raises the service's own errors, or JobFailed."""
        ...

    def copy(self, point: RecoveryPoint, home: Home, point_arn: str, work: Work) -> Taken:
        """Into another vault, perhaps of another region."""
        ...

    def check(self, metadata: dict[str, str]) -> None:
        """Raises InvalidParameterValueException unless the metadata say all that a restore needs."""
        ...

    def restore(self, point: RecoveryPoint, metadata: dict[str, str], work: Work) -> str:
        """Make the resource and wait until it can be used. Returns its ARN."""
        ...

    def delete(self, point: RecoveryPoint) -> None:
        """Forget what the point holds outside AWS Backup."""
        ...


def demand(metadata: dict[str, str], *names: str) -> None:
    """Raises InvalidParameterValueException if one of them is missing or empty."""
    if missing := [name for name in names if not metadata.get(name)]:
        raise bad_metadata(f"Missing required keys: {', '.join(missing)}")
