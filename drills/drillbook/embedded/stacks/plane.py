"""CloudFormation whose stacks are made of true resources, or fail."""

from __future__ import annotations

from contextlib import ExitStack
from unittest import mock

from drillbook.embedded.planes import CloudState
from drillbook.events import Json


def plane() -> Stacks:
    return Stacks()


class Stacks:
    """Takes moto's place when installed and gives it back when closed."""

    name = "cloudformation"

    def __init__(self) -> None:
        self._undo = ExitStack()

    def install(self, cloud: CloudState) -> None:
        from moto.cloudformation import models, urls

        from drillbook.embedded.stacks.api import TrueStacksApi
        from drillbook.embedded.stacks.backend import TrueStacks, Works
        from drillbook.embedded.stacks.stack import TrueStack

        TrueStacks.works = Works(cloud)
        self._undo.callback(TrueStacks.works.close)
        for replaced in (
            mock.patch.object(models, "Stack", TrueStack),
            mock.patch.object(models.cloudformation_backends, "backend", TrueStacks),
            mock.patch.dict(urls.url_paths, {"{0}/$": TrueStacksApi.dispatch}),
        ):
            self._undo.enter_context(replaced)
        models.cloudformation_backends.clear()
        self._undo.callback(models.cloudformation_backends.clear)

    def status(self) -> dict[str, Json]:
        from moto.cloudformation.models import cloudformation_backends

        regions = [backend for each in list(cloudformation_backends.values()) for backend in list(each.values())]
        return {"stacks": sum(len(backend.stacks) for backend in regions)}

    def close(self) -> None:
        self._undo.close()
