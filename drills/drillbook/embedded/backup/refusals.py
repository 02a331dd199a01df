"""The errors of AWS Backup that moto does not know.

https://docs.aws.amazon.com/aws-backup/latest/devguide/API_StartRestoreJob.html#API_StartRestoreJob_Errors
"""

from __future__ import annotations

from moto.backup.exceptions import BackupClientError, InvalidParameterValueException


class MissingParameterValue(BackupClientError):
    """A required parameter is missing."""

    def __init__(self, message: str) -> None:
        super().__init__("MissingParameterValueException", message)


def bad_metadata(what: str) -> InvalidParameterValueException:
    """The ``Metadata`` of a StartRestoreJob does not say what this kind of resource needs."""
    return InvalidParameterValueException(f"Invalid restore metadata. {what}")
