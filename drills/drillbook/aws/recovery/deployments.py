"""Bring back a REST API: deploy it anew, put its stage back to a deployment that worked, lead a domain to it.

A deployment is a snapshot of the API's resources and methods; a stage points to one (AWS: "Deploy REST APIs in API
Gateway"). Pointing a stage elsewhere keeps its variables, throttling and logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling, code_of
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.recovery.setting import Setting
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World


class StageDeploymentSettings(Settings):
    api: str
    stage: str
    deployment: str
    region: str | None = None


class StageDeployment(Setting[StageDeploymentSettings]):
    """Point a stage to a deployment; nothing else of the stage changes."""

    Settings = StageDeploymentSettings
    service = "apigateway"

    def describe(self) -> str:
        wanted = self.settings
        return f"point the stage {wanted.stage} of the API {wanted.api} to the deployment {wanted.deployment}"

    def touches(self) -> list[str]:
        return [f"arn:aws:apigateway:{self.region}::/restapis/{self.settings.api}/stages/{self.settings.stage}"]

    def read(self) -> Json:
        return self.client.get_stage(restApiId=self.settings.api, stageName=self.settings.stage)["deploymentId"]

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return self.settings.deployment

    def write(self, state: Json) -> None:
        patch = [{"op": "replace", "path": "/deploymentId", "value": state}]
        self.client.update_stage(restApiId=self.settings.api, stageName=self.settings.stage, patchOperations=patch)


class NewDeploymentSettings(Settings):
    api: str
    description: str
    """By this a deployment is known as ours when the step is run again."""
    region: str | None = None


class NewDeployment(Setting[NewDeploymentSettings]):
    """A deployment of the API as it is now, which no stage points to yet. Undoing deletes it."""

    Settings = NewDeploymentSettings
    service = "apigateway"

    def describe(self) -> str:
        return f"deploy the API {self.settings.api} ({self.settings.description})"

    def touches(self) -> list[str]:
        return [f"arn:aws:apigateway:{self.region}::/restapis/{self.settings.api}/deployments"]

    def read(self) -> Json:
        """Is it there?"""
        return bool(self.found())

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - it shall be there
        return True

    def write(self, state: Json) -> None:
        if state and not self.found():
            self.client.create_deployment(restApiId=self.settings.api, description=self.settings.description)
        for deployment in () if state else self.found():
            self.client.delete_deployment(restApiId=self.settings.api, deploymentId=deployment)

    def found(self) -> list[str]:
        return [
            each["id"]
            for each in _deployments(self.client, self.settings.api)
            if each.get("description") == self.settings.description
        ]


class DomainMappingSettings(Settings):
    domain: str
    base_path: str
    """``(none)``: the root."""
    api: str
    stage: str
    region: str | None = None


class DomainMapping(Setting[DomainMappingSettings]):
    """Lead a base path of a custom domain name to a stage of an API; other base paths stay."""

    Settings = DomainMappingSettings
    service = "apigateway"

    def describe(self) -> str:
        wanted = self.settings
        return f"lead {wanted.domain}/{wanted.base_path} to the stage {wanted.stage} of the API {wanted.api}"

    def touches(self) -> list[str]:
        return [f"arn:aws:apigateway:{self.region}::/domainnames/{self.settings.domain}"]

    def read(self) -> Json:
        self.client.get_domain_name(domainName=self.settings.domain)
        try:
            found = self.client.get_base_path_mapping(**self._place())
        except self.client.exceptions.NotFoundException:
            return None
        return {"api": found["restApiId"], "stage": found["stage"]}

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return {"api": self.settings.api, "stage": self.settings.stage}

    def write(self, state: Json) -> None:
        if state is None:
            self.client.delete_base_path_mapping(**self._place())
        elif self.read() is None:
            self.client.create_base_path_mapping(**self._place(), restApiId=state["api"], stage=state["stage"])
        else:
            values = {"/restapiId": state["api"], "/stage": state["stage"]}
            patch = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
            self.client.update_base_path_mapping(**self._place(), patchOperations=patch)

    def _place(self) -> dict[str, str]:
        return {"domainName": self.settings.domain, "basePath": self.settings.base_path}


def redeploy(world: World, api: str, stage: str, *, region: str | None = None) -> None:
    """Deploy the API as its resources and methods are now, and point ``stage`` there.

    Run again, it finds the deployment it made. Raises PermanentError if the API or the stage is not there.
    """
    what = f"drillbook {world.run_id} {stage}"
    new = NewDeploymentSettings(api=api, description=what, region=region)
    deployed(world, api, stage, region=region)
    if not NewDeployment(world, new).capture():
        make(world, NewDeployment, new)
    with calling(f"read the deployments of the API {api}"):
        (deployment, *_) = NewDeployment(world, new).found()
    point_stage(world, api, stage, deployment, region=region)


def roll_back(world: World, api: str, stage: str, *, region: str | None = None) -> None:
    """Point ``stage`` to the deployment before its present one. Run again, it does not go back one more.

    Raises PermanentError if there is no earlier deployment.
    """
    key = f"deployment of {api} {stage} {region}"
    if recall(world, key) is None:
        remember(world, key, previous(world, api, stage, region=region))
    point_stage(world, api, stage, recall(world, key), region=region)


def point_stage(world: World, api: str, stage: str, deployment: str, *, region: str | None = None) -> None:
    settings = StageDeploymentSettings(api=api, stage=stage, deployment=deployment, region=region)
    if not StageDeployment(world, settings).is_done():
        make(world, StageDeployment, settings)


def deployed(world: World, api: str, stage: str, *, region: str | None = None) -> str:
    """The deployment that ``stage`` points to. Raises PermanentError if the API or the stage is not there."""
    from botocore.exceptions import ClientError

    gateway = session_of(world).client("apigateway", region)
    with calling(f"read the stage {stage} of the API {api}"):
        try:
            found: str = gateway.get_stage(restApiId=api, stageName=stage)["deploymentId"]
        except ClientError as error:
            if code_of(error) != "NotFoundException":
                raise
            raise PermanentError(
                f"the API {api} has no stage {stage}, or is not there itself",
                code="NotFoundException",
                do="deploy its stack again: a new stage would lack its variables, throttling and logs",
            ) from error
    return found


def previous(world: World, api: str, stage: str, *, region: str | None = None) -> str:
    """The newest deployment made before the one that ``stage`` points to. Raises PermanentError if there is none."""
    present = deployed(world, api, stage, region=region)
    with calling(f"read the deployments of the API {api}"):
        made = sorted(
            _deployments(session_of(world).client("apigateway", region), api), key=lambda one: one["createdDate"]
        )
    order = [each["id"] for each in made]
    if order.index(present) == 0:
        raise PermanentError(
            f"the API {api} has no deployment older than {present}",
            code="NotFoundException",
            do="repair the API and deploy it anew, or deploy its stack again",
        )
    return str(order[order.index(present) - 1])


def lead(
    world: World, domain: str, api: str, stage: str, *, base_path: str = "(none)", region: str | None = None
) -> None:
    """Lead ``domain``/``base_path`` to ``stage`` of ``api``. Raises PermanentError if there is no such domain name."""
    settings = DomainMappingSettings(domain=domain, base_path=base_path, api=api, stage=stage, region=region)
    if not DomainMapping(world, settings).is_done():
        make(world, DomainMapping, settings)


def _deployments(gateway: Any, api: str) -> list[dict[str, Any]]:
    pages = gateway.get_paginator("get_deployments").paginate(restApiId=api)
    return [each for page in pages for each in page["items"]]
