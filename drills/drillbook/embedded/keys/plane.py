"""KMS whose keys matter: what is disabled or pending deletion neither encrypts nor decrypts, here and in the services.

Not emulated: key policies and grants, services' caching of data keys, key material of its own import or rotation.
"""

from __future__ import annotations

from contextlib import ExitStack
from unittest import mock

from drillbook.embedded.planes import CloudState
from drillbook.events import Json


def plane() -> Keys:
    return Keys()


class Keys:
    """The plane. All state is moto's."""

    name = "keys"

    def __init__(self) -> None:
        self._undo = ExitStack()

    def install(self, cloud: CloudState) -> None:
        from moto.kms.models import KmsBackend
        from moto.kms.responses import KmsResponse

        from drillbook.embedded.keys import state

        for name, replacement in (
            *((use, state.using(getattr(KmsBackend, use), position=0)) for use in state.USES),
            ("decrypt", state.decrypt(KmsBackend.decrypt)),
            ("enable_key", state.enable_key),
            ("disable_key", state.disable_key),
            ("cancel_key_deletion", state.cancel_key_deletion),
            ("schedule_key_deletion", state.schedule_key_deletion(cloud)),
        ):
            self._undo.enter_context(mock.patch.object(KmsBackend, name, replacement))
        forgetting = state.forgetting(KmsResponse.call_action, cloud)
        self._undo.enter_context(mock.patch.object(KmsResponse, "call_action", forgetting))
        self._protect_data(cloud)

    def _protect_data(self, cloud: CloudState) -> None:
        from moto.s3.models import S3Backend
        from moto.s3.responses import S3Response
        from moto.secretsmanager.models import SecretsManagerBackend
        from moto.ssm.models import Parameter, SimpleSystemManagerBackend

        from drillbook.embedded.dynamodb.table import TimeTravelTable
        from drillbook.embedded.keys import services, tables

        for owner, name, replacement in (
            (S3Response, "get_object", services.get_object(S3Response.get_object)),
            (S3Backend, "put_object", services.put_object(S3Backend.put_object)),
            (S3Backend, "copy_object", services.copy_object(S3Backend.copy_object)),
            (
                SecretsManagerBackend,
                "get_secret_value",
                services.get_secret_value(SecretsManagerBackend.get_secret_value),
            ),
            (SecretsManagerBackend, "_add_secret", services.add_secret(SecretsManagerBackend._add_secret)),
            (
                SimpleSystemManagerBackend,
                "put_parameter",
                services.put_parameter(SimpleSystemManagerBackend.put_parameter),
            ),
            (Parameter, "response_object", services.parameter_told(Parameter.response_object)),
            (TimeTravelTable, "_there", tables.data_there(TimeTravelTable._there)),
            (TimeTravelTable, "describe", tables.described(TimeTravelTable.describe, cloud)),
        ):
            self._undo.enter_context(mock.patch.object(owner, name, replacement))

    def status(self) -> dict[str, Json]:
        from moto.kms.models import kms_backends

        backends = [backend for regions in list(kms_backends.values()) for backend in list(regions.values())]
        keys = [key for backend in backends for key in list(backend.keys.values())]
        return {"keys": len(keys), "unusable": sum(not key.enabled for key in keys)}

    def close(self) -> None:
        self._undo.close()
