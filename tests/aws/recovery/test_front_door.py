"""A REST API: deployed anew, rolled back, led to; writes stopped and let in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3

from drillbook.aws.recovery import deployments, writes
from drillbook.aws.session import session_of
from drillbook.errors import PermanentError
from drillbook.world import World

from .attempts import changes, healed, killed_before_it_is_recorded


@pytest.fixture
def gateway(world: World) -> Any:
    return session_of(world).client("apigateway")


@pytest.fixture
def api(gateway: Any, name: str) -> str:
    """An API with GET and POST of /things, answered without a function, deployed to ``v1`` with settings of its own."""
    made = gateway.create_rest_api(name=name)["id"]
    root = gateway.get_resources(restApiId=made)["items"][0]["id"]
    things = gateway.create_resource(restApiId=made, parentId=root, pathPart="things")["id"]
    for method in ("GET", "POST"):
        mock(gateway, made, things, method)
    gateway.create_deployment(restApiId=made, stageName="v1", variables={"colour": "blue"})
    whole_stage = {"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"}
    gateway.update_stage(restApiId=made, stageName="v1", patchOperations=[whole_stage])
    return str(made)


def mock(gateway: Any, api: str, resource: str, method: str) -> None:
    where = {"restApiId": api, "resourceId": resource, "httpMethod": method}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_method_response(**where, statusCode="200")
    gateway.put_integration(**where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_integration_response(**where, statusCode="200")


def status(world: World, api: str, method: str, path: str) -> int:
    assert world.aws is not None
    where = urlsplit(world.aws.endpoint)
    headers = {"Host": f"{api}.execute-api.af-south-1.amazonaws.com"}
    url = f"http://{where.hostname}:{where.port}/v1{path}"
    return urllib3.request(method, url, headers=headers, retries=False, timeout=20).status


def stage(gateway: Any, api: str) -> dict[str, Any]:
    found: dict[str, Any] = gateway.get_stage(restApiId=api, stageName="v1")
    return {key: found.get(key) for key in ("deploymentId", "variables", "methodSettings")}


def test_an_api_is_deployed_anew_once_and_heal_puts_the_stage_back(world: World, gateway: Any, api: str) -> None:
    before = stage(gateway, api)
    for _ in range(2):
        deployments.redeploy(world, api, "v1")
    assert changes(world) == 2
    now = stage(gateway, api)
    assert now["deploymentId"] != before["deploymentId"]
    assert now | {"deploymentId": before["deploymentId"]} == before, "variables and settings stay"
    assert healed(world).ok
    assert stage(gateway, api) == before
    assert len(gateway.get_deployments(restApiId=api)["items"]) == 1


@pytest.mark.slow
def test_a_deployment_whose_process_died_is_the_one_that_is_used(
    world: World, gateway: Any, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed_before_it_is_recorded(monkeypatch):
        deployments.redeploy(world, api, "v1")
    deployments.redeploy(world, api, "v1")
    assert len(gateway.get_deployments(restApiId=api)["items"]) == 2
    assert changes(world) == 2


def test_a_bad_deployment_is_rolled_back_by_one_and_no_further(world: World, gateway: Any, api: str) -> None:
    oldest = stage(gateway, api)["deploymentId"]
    gateway.create_deployment(restApiId=api, stageName="v1")
    good = stage(gateway, api)["deploymentId"]
    gateway.create_deployment(restApiId=api, stageName="v1")
    bad = stage(gateway, api)["deploymentId"]
    for _ in range(2):
        deployments.roll_back(world, api, "v1")
    assert stage(gateway, api)["deploymentId"] == good
    assert changes(world) == 1
    assert healed(world).ok
    assert stage(gateway, api)["deploymentId"] == bad
    deployments.point_stage(world, api, "v1", oldest)
    assert stage(gateway, api)["deploymentId"] == oldest


def test_what_cannot_be_brought_back_is_an_error_with_a_way_out(world: World, api: str) -> None:
    with pytest.raises(PermanentError, match="no deployment older than"):
        deployments.roll_back(world, api, "v1")
    for there, missing in ((api, "v2"), ("nosuchapi", "v1")):
        with pytest.raises(PermanentError, match="deploy its stack again") as error:
            deployments.redeploy(world, there, missing)
        assert error.value.code == "NotFoundException"
    assert changes(world) == 0


def test_a_domain_is_led_to_another_api_and_back(world: World, gateway: Any, api: str, name: str) -> None:
    domain = f"{name}.example.com"
    gateway.create_domain_name(domainName=domain, endpointConfiguration={"types": ["REGIONAL"]})
    gateway.create_base_path_mapping(domainName=domain, basePath="other", restApiId=api, stage="v1")
    second = gateway.create_rest_api(name=f"{name}-2")["id"]
    resource = gateway.get_resources(restApiId=second)["items"][0]["id"]
    mock(gateway, second, resource, "GET")
    gateway.create_deployment(restApiId=second, stageName="v1")
    deployments.lead(world, domain, api, "v1")
    for _ in range(2):
        deployments.lead(world, domain, second, "v1")
    assert changes(world) == 2
    led = {each["basePath"]: each["restApiId"] for each in gateway.get_base_path_mappings(domainName=domain)["items"]}
    assert led == {"other": api, "(none)": second}
    assert healed(world).ok
    left = gateway.get_base_path_mappings(domainName=domain)["items"]
    assert [each["basePath"] for each in left] == ["other"]
    with pytest.raises(PermanentError) as error:
        deployments.lead(world, "nobody.example.com", api, "v1")
    assert error.value.code == "NotFoundException"


# -- writes -----------------------------------------------------------------------------------------------------------


def test_writes_are_stopped_reads_go_on_and_all_is_as_before(world: World, gateway: Any, api: str) -> None:
    before = stage(gateway, api)
    assert (status(world, api, "GET", "/things"), status(world, api, "POST", "/things")) == (200, 200)
    for _ in range(2):
        writes.stop(world, api, "v1")
    assert (status(world, api, "GET", "/things"), status(world, api, "POST", "/things")) == (200, 429)
    assert writes.are_stopped(world, api, "v1")
    assert not writes.are_resumed(world, api, "v1")
    own = next(each for path, each in stage(gateway, api)["methodSettings"].items() if "POST" in path)
    assert own["metricsEnabled"], "what holds for the whole stage goes on"
    for _ in range(2):
        writes.resume(world, api, "v1")
    assert changes(world) == 2
    assert stage(gateway, api) == before
    assert status(world, api, "POST", "/things") == 200
    assert healed(world).ok
    assert stage(gateway, api) == before


@pytest.mark.slow
def test_heal_lets_writes_in_as_they_were_limited(world: World, gateway: Any, api: str) -> None:
    limit = {"op": "replace", "path": "/~1things/POST/throttling/rateLimit", "value": "7"}
    gateway.update_stage(restApiId=api, stageName="v1", patchOperations=[limit])
    before = stage(gateway, api)
    writes.stop(world, api, "v1", [("/things", "POST")])
    assert writes.are_stopped(world, api, "v1", [("/things", "POST")])
    assert healed(world).ok
    assert stage(gateway, api) == before


def test_a_stop_needs_no_undoing_once_its_api_is_gone(world: World, gateway: Any, api: str) -> None:
    writes.stop(world, api, "v1")
    gateway.delete_rest_api(restApiId=api)
    assert healed(world).ok


def test_a_stop_that_was_cut_off_is_resumed_as_it_was(
    world: World, gateway: Any, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stage(gateway, api)
    with killed_before_it_is_recorded(monkeypatch):
        writes.stop(world, api, "v1")
    writes.stop(world, api, "v1")
    assert changes(world) == 1
    writes.resume(world, api, "v1")
    assert stage(gateway, api) == before


def test_what_takes_any_method_is_not_throttled_by_guess(world: World, gateway: Any, api: str) -> None:
    root = next(each["id"] for each in gateway.get_resources(restApiId=api)["items"] if each["path"] == "/")
    mock(gateway, api, root, "ANY")
    with pytest.raises(PermanentError, match="takes any method"):
        writes.stop(world, api, "v1")
    with pytest.raises(PermanentError) as error:
        writes.stop(world, api, "v9", [("/things", "POST")])
    assert error.value.code == "NotFoundException"
    assert changes(world) == 0
