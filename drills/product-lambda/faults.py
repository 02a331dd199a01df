"""What can happen to the catalogue and to nothing else: a deployment that leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.session import session_of
from drillbook.events import Json
from drillbook.fault import Settings

from .names import API, STAGE
from .routes import ROUTES, api_of, invocation, resources_of

if TYPE_CHECKING:
    from drillbook.world import World

NOWHERE = "product-gone"
"""A function that there is not."""


class BrokenDeploymentSettings(Settings):
    pass


class BrokenDeployment:
    """Every method is led to a function that there is not, and that is deployed: the API answers 5xx alone."""

    Settings = BrokenDeploymentSettings

    def __init__(self, world: World, settings: BrokenDeploymentSettings) -> None:
        del settings
        self._world, self._session = world, session_of(world)
        self._gateway = self._session.client("apigateway")
        self.settle = self._session.settle

    def describe(self) -> str:
        return "deploy an API whose methods lead nowhere"

    def touches(self) -> list[str]:
        """By its id as the stand-up found it; a plan that is only shown knows but the name."""
        return [f"arn:aws:apigateway:{self._session.region}::/restapis/{self._world.values.get('api', API)}"]

    def capture(self) -> Json:
        api = api_of(self._session)
        with calling(f"read the API {api}"):
            stage = self._gateway.get_stage(restApiId=api, stageName=STAGE)
            integrations = {name: self._leads_to(api, *where) for name, where in self._methods(api).items()}
        return {"api": api, "deployment": stage["deploymentId"], "integrations": integrations, "ours": self._mark}

    def apply(self, before: Json) -> None:
        api = before["api"]
        with calling(self.describe()):
            for where in self._methods(api).values():
                self._lead(api, *where, invocation(self._session, NOWHERE))
            made = self._gateway.create_deployment(restApiId=api, description=self._mark)
            self._point(api, made["id"])

    def observe(self, before: Json) -> bool:
        """Does the stage serve our deployment?"""
        with calling(f"read the API {before['api']}"):
            return self._served(before["api"]) in self._ours(before)

    def restore(self, before: Json) -> None:
        """Only what is still as we left it: methods that lead nowhere, a stage that serves our deployment."""
        api = before["api"]
        with calling(f"undo: {self.describe()}"):
            for name, where in self._methods(api).items():
                if self._leads_to(api, *where) == invocation(self._session, NOWHERE):
                    self._lead(api, *where, before["integrations"][name])
            ours = self._ours(before)
            if self._served(api) in ours:
                self._point(api, before["deployment"])
            for deployment in ours:
                self._gateway.delete_deployment(restApiId=api, deploymentId=deployment)

    def restored(self, before: Json) -> bool:
        api = before["api"]
        with calling(f"read the API {api}"):
            nowhere = invocation(self._session, NOWHERE)
            return not self._ours(before) and nowhere not in [
                self._leads_to(api, *where) for where in self._methods(api).values()
            ]

    @property
    def _mark(self) -> str:
        return f"drillbook {self._world.run_id} leads nowhere"

    def _methods(self, api: str) -> dict[str, tuple[str, str]]:
        """By name, resource and verb."""
        resources = resources_of(self._gateway, api)
        return {f"{verb} {path}": (resources[path], verb) for path, verb in ROUTES}

    def _leads_to(self, api: str, resource: str, verb: str) -> str:
        found = self._gateway.get_integration(restApiId=api, resourceId=resource, httpMethod=verb)
        return str(found["uri"])

    def _lead(self, api: str, resource: str, verb: str, uri: str) -> None:
        self._gateway.put_integration(
            restApiId=api, resourceId=resource, httpMethod=verb, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
        )

    def _served(self, api: str) -> str:
        return str(self._gateway.get_stage(restApiId=api, stageName=STAGE)["deploymentId"])

    def _point(self, api: str, deployment: str) -> None:
        patch = [{"op": "replace", "path": "/deploymentId", "value": deployment}]
        self._gateway.update_stage(restApiId=api, stageName=STAGE, patchOperations=patch)

    def _ours(self, before: Json) -> list[Any]:
        pages = self._gateway.get_paginator("get_deployments").paginate(restApiId=before["api"])
        made = [each for page in pages for each in page["items"]]
        return [each["id"] for each in made if each.get("description") == before["ours"]]
