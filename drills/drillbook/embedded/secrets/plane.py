"""Secrets Manager whose rotation rotates and whose replicas are replicas.

Not emulated: rotation windows and schedule expressions (days are), resource policies, the lag of replication, the end
of a deletion's recovery window.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING
from unittest import mock

from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.embedded.secrets.rotation import Rotations


def plane() -> Secrets:
    return Secrets()


class Secrets:
    """The plane. All state is moto's."""

    name = "secrets"

    def __init__(self) -> None:
        self._undo = ExitStack()
        self._rotations: Rotations | None = None

    def install(self, cloud: CloudState) -> None:
        from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend
        from moto.secretsmanager.responses import SecretsManagerResponse

        from drillbook.embedded.secrets import replicas, versions
        from drillbook.embedded.secrets.rotation import Rotations

        rotations = self._rotations = Rotations(cloud, SecretsManagerBackend.rotate_secret)

        def rotate_secret(backend: SecretsManagerBackend, *args: object, **named: object) -> str:
            return rotations.rotate(backend, *args, **named)  # type: ignore[arg-type]

        for owner, name, replacement in (
            (SecretsManagerBackend, "rotate_secret", rotate_secret),
            (SecretsManagerResponse, "list_secret_version_ids", versions.list_version_ids),
            (SecretsManagerResponse, "stop_replication_to_replica", replicas.stop_replication_to_replica),
            (FakeSecret, "default_version_id", property(versions.current_of, versions.set_current)),
            (FakeSecret, "reset_default_version", versions.reset_default_version),
            (ReplicaSecret, "__init__", replicas.begun(ReplicaSecret.__init__, cloud.domains)),
            (ReplicaSecret, "default_version_id", property(replicas.current_of)),
            (ReplicaSecret, "versions", property(replicas.versions_of)),
            (ReplicaSecret, "to_dict", replicas.told),
        ):
            self._undo.enter_context(mock.patch.object(owner, name, replacement, create=not hasattr(owner, name)))
        cloud.domains.listen(replicas.follow_or_freeze)
        threading.Thread(target=rotations.rotate_what_is_due, name="rotations", daemon=True).start()

    def status(self) -> dict[str, Json]:
        return {"rotated": self._rotations.done, "failed": self._rotations.failed} if self._rotations else {}

    def close(self) -> None:
        if self._rotations is not None:
            self._rotations.close()
        self._undo.close()
