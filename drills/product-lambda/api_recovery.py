"""Scenario 2: the API answers 5xx alone, because a broken deployment was put on its stage.

A deployment is a snapshot. The runbook's ``create-deployment`` would deploy the same broken methods once more, so the
stage first goes back to the deployment that worked, then the methods are repaired, and only then they are deployed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.aws.recovery import deployments
from drillbook.aws.recovery.journalled import make, recall, remember
from drillbook.aws.recovery.setting import Setting
from drillbook.aws.session import session_of
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.recovery import Phase, Plan, Step

from .customers import declared, products_are_served, recorded, told
from .names import STAGE
from .routes import ROUTES, api_of, invocation, resources_of

if TYPE_CHECKING:
    from drillbook.world import World

WORKED = "deployment that worked"
TEXT = "The API serves a sound deployment again. Nothing was lost: what was not acknowledged was not written."


def redeploy_api(world: World) -> Plan:
    """Scenario 2, within the runbook's 10 minutes."""
    return Plan(
        "redeploy the API",
        (
            declared(world, "the API answers nothing but errors since it was deployed"),
            Step("find the deployment that worked", lambda: find_what_worked(world), Phase.DECIDE, budget=60,
                 check=lambda: recall(world, WORKED) is not None),
            Step("put the stage back", lambda: put_back(world), budget=60,
                 check=lambda: not methods_are_broken(world) or is_put_back(world)),
            Step("check through the API", lambda: None, Phase.VERIFY, budget=30,
                 verify=lambda: products_are_served(world)),
            Step("repair the methods", lambda: repair(world), budget=120, check=lambda: not methods_are_broken(world),
                 verify=lambda: not methods_are_broken(world)),
            Step("deploy the methods", lambda: deployments.redeploy(world, api(world), STAGE), budget=120),
            Step("check the new deployment", lambda: None, Phase.VERIFY, budget=30,
                 verify=lambda: products_are_served(world)),
            recorded(world, TEXT),
            told(world, "the product API is back", TEXT),
        ),
    )  # fmt: skip


def api(world: World) -> str:
    return api_of(session_of(world))


def find_what_worked(world: World) -> None:
    remember(world, WORKED, deployments.previous(world, api(world), STAGE))


def put_back(world: World) -> None:
    deployments.point_stage(world, api(world), STAGE, recall(world, WORKED))


def is_put_back(world: World) -> bool:
    return bool(deployments.deployed(world, api(world), STAGE) == recall(world, WORKED))


def repair(world: World) -> None:
    for settings in _methods():
        if not MethodTarget(world, settings).is_done():
            make(world, MethodTarget, settings)


def methods_are_broken(world: World) -> bool:
    return not all(MethodTarget(world, settings).is_done() for settings in _methods())


def _methods() -> list[MethodTargetSettings]:
    return [MethodTargetSettings(path=path, verb=verb, function=name) for (path, verb), name in ROUTES.items()]


class MethodTargetSettings(Settings):
    path: str
    verb: str
    function: str


class MethodTarget(Setting[MethodTargetSettings]):
    """Lead a method to its function. Nothing changes for customers before the next deployment."""

    Settings = MethodTargetSettings
    service = "apigateway"

    def describe(self) -> str:
        return f"lead {self.settings.verb} {self.settings.path} to {self.settings.function}"

    def touches(self) -> list[str]:
        api = api_of(self.session)
        return [f"arn:aws:apigateway:{self.region}::/restapis/{api}/resources{self.settings.path}"]

    def read(self) -> Json:
        return self.client.get_integration(**self._place())["uri"]

    def wanted(self, before: Json) -> Json:  # noqa: ARG002 - the settings say it all
        return invocation(self.session, self.settings.function)

    def write(self, state: Json) -> None:
        self.client.put_integration(**self._place(), type="AWS_PROXY", integrationHttpMethod="POST", uri=state)

    def _place(self) -> dict[str, str]:
        api = api_of(self.session)
        resource = resources_of(self.client, api)[self.settings.path]
        return {"restApiId": api, "resourceId": resource, "httpMethod": self.settings.verb}
