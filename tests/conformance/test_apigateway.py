"""API Gateway REST APIs: the front door that a failover moves, throttles and brings back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3.exceptions
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.embedded.addresses import address_of
from drillbook.embedded.domains import ServiceFault
from drillbook.waiting import wait_for

from .conftest import HERE, THERE, Breaking, Endpoint
from .serverless import get, host_of, make_api, make_function

Client = Callable[..., Any]
DOMAINS = "https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-custom-domains.html"
PATCHES = "https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html"
THROTTLING = "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html"


@pytest.fixture(scope="module")
def api(client: Client, endpoint: Endpoint) -> str:
    return make_api(client, "conformance", make_function(client, "conformance-api"))


@pytest.fixture
def domain(client: Client) -> Iterator[str]:
    name = "api.conformance.example.com"
    made = make_domain(client, name)
    assert made["domainName"] == name
    yield name
    client("apigateway").delete_domain_name(domainName=name)


def make_domain(client: Client, name: str, region: str = HERE) -> dict[str, Any]:
    answer = client("apigateway", region).create_domain_name(
        domainName=name,
        regionalCertificateArn=f"arn:aws:acm:{region}:111122223333:certificate/12345678-1234-1234-1234-123456789012",
        endpointConfiguration={"types": ["REGIONAL"]},
        securityPolicy="TLS_1_2",
    )
    return dict(answer)


def code(call: Callable[..., Any], **arguments: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as failed:
        call(**arguments)
    answer = failed.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.rule("a deployed API answers at its own host below its stage", DOMAINS)
def test_an_api_answers_at_its_host(api: str, endpoint: Endpoint) -> None:
    status, told = get(endpoint, host_of(api), "/prod/products/1")
    assert (status, told["region"]) == (200, HERE)
    assert told["context"]["path"] == "/prod/products/1"
    assert told["event"]["path"] == "/products/1"


@pytest.mark.rule(
    "a regional domain name has a regional target and the region's hosted zone, and no distribution", DOMAINS
)
def test_a_regional_domain_names_its_target(domain: str, client: Client) -> None:
    said = client("apigateway").get_domain_name(domainName=domain)
    assert said["regionalDomainName"].startswith("d-")
    assert said["regionalDomainName"].endswith(f".execute-api.{HERE}.amazonaws.com")
    assert said["regionalHostedZoneId"] == "Z1UJRXOUMOOFQ8"
    assert "distributionDomainName" not in said


@pytest.mark.rule("a base path mapping leads to an API and stage; without one the root's mapping, or 403", DOMAINS)
def test_base_paths_lead_to_apis(domain: str, api: str, client: Client, endpoint: Endpoint) -> None:
    gateway = client("apigateway")
    assert get(endpoint, domain, "/shop/products")[0] == 403, "there is no mapping yet"
    gateway.create_base_path_mapping(domainName=domain, basePath="shop", restApiId=api, stage="prod")
    status, told = get(endpoint, domain, "/shop/products/1?x=1")
    assert (status, told["event"]["path"], told["context"]["path"]) == (200, "/shop/products/1", "/shop/products/1")
    assert (told["context"]["domainName"], told["context"]["stage"]) == (domain, "prod")
    assert get(endpoint, domain, "/products/1")[0] == 403
    gateway.create_base_path_mapping(domainName=domain, restApiId=api, stage="prod")
    assert get(endpoint, domain, "/products/1")[1]["event"]["path"] == "/products/1"
    gateway.delete_base_path_mapping(domainName=domain, basePath="(none)")
    assert get(endpoint, domain, "/products/1")[0] == 403


@pytest.mark.rule("a base path can be pointed to another API; what is not there, taken or no path is refused", PATCHES)
def test_mappings_are_changed_and_refused_as_documented(
    domain: str, api: str, client: Client, endpoint: Endpoint
) -> None:
    gateway = client("apigateway")
    shop = {"domainName": domain, "basePath": "shop"}
    assert code(gateway.get_base_path_mapping, **shop) == ("NotFoundException", 404)
    assert code(gateway.create_base_path_mapping, **shop, restApiId="none", stage="prod") == (
        "BadRequestException",
        400,
    )
    gateway.create_base_path_mapping(**shop, restApiId=api, stage="prod")
    assert code(gateway.create_base_path_mapping, **shop, restApiId=api, stage="prod") == ("ConflictException", 409)
    for operation in (
        {"op": "replace", "path": "/api", "value": "x"},
        {"op": "add", "path": "/stage", "value": "prod"},
    ):
        assert code(gateway.update_base_path_mapping, **shop, patchOperations=[operation]) == (
            "BadRequestException",
            400,
        )
    client("apigateway").create_deployment(restApiId=api, stageName="blue")
    gateway.update_base_path_mapping(**shop, patchOperations=[{"op": "replace", "path": "/stage", "value": "blue"}])
    assert get(endpoint, domain, "/shop/")[1]["context"]["stage"] == "blue"
    assert code(gateway.create_domain_name, domainName=domain) == ("BadRequestException", 400)
    assert code(gateway.get_domain_name, domainName="none.example.com") == ("NotFoundException", 404)


@pytest.mark.rule("the same regional domain name may be in two regions; DNS picks the region", DOMAINS)
def test_one_domain_in_two_regions(client: Client, endpoint: Endpoint, breaking: Breaking) -> None:
    name = "two.conformance.example.com"
    for region in (HERE, THERE):
        function = make_function(client, "two-regions", region=region)
        made = make_api(client, "two-regions", function, region)
        make_domain(client, name, region)
        client("apigateway", region).create_base_path_mapping(domainName=name, restApiId=made, stage="prod")
    seen = {region: get(endpoint, name, "/", address_of(region))[1]["region"] for region in (HERE, THERE)}
    assert seen == {HERE: HERE, THERE: THERE}
    breaking.region(HERE)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        get(endpoint, name, "/", address_of(HERE))
    assert get(endpoint, name, "/", address_of(THERE))[1]["region"] == THERE
    breaking.mend()
    assert get(endpoint, name, "/", address_of(HERE))[1]["region"] == HERE


@pytest.mark.rule("an API is in its own region only", DOMAINS)
def test_an_api_is_not_found_in_another_region(api: str, endpoint: Endpoint) -> None:
    assert get(endpoint, host_of(api), "/prod/", address_of(HERE))[0] == 200
    assert get(endpoint, host_of(api), "/prod/", address_of(THERE)) == (403, {"message": "Forbidden"})


@pytest.mark.rule("an API whose default endpoint is disabled is reached by its custom domain name only", DOMAINS)
def test_a_disabled_default_endpoint(domain: str, client: Client, endpoint: Endpoint) -> None:
    gateway = client("apigateway")
    api = make_api(client, "disabled", make_function(client, "disabled-endpoint"))
    gateway.create_base_path_mapping(domainName=domain, restApiId=api, stage="prod")
    disable = {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"}
    gateway.update_rest_api(restApiId=api, patchOperations=[disable])
    assert get(endpoint, host_of(api), "/prod/")[0] == 403
    assert get(endpoint, domain, "/")[0] == 200


@pytest.mark.rule("a stage's rate limit of 0 answers 429 to everybody; methods have limits of their own", THROTTLING)
def test_a_rate_of_nothing_throttles(client: Client, endpoint: Endpoint) -> None:
    gateway = client("apigateway")
    api = make_api(client, "throttled", make_function(client, "throttled-api"))

    def patch(*operations: dict[str, str]) -> None:
        gateway.update_stage(restApiId=api, stageName="prod", patchOperations=list(operations))

    assert get(endpoint, host_of(api), "/prod/x")[0] == 200
    patch(
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "0"},
        {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "0"},
    )
    assert get(endpoint, host_of(api), "/prod/x") == (429, {"message": "Too Many Requests"})
    patch({"op": "remove", "path": "/*/*"})
    assert get(endpoint, host_of(api), "/prod/x")[0] == 200
    patch(
        {"op": "replace", "path": "/~1{proxy+}/ANY/throttling/rateLimit", "value": "0"},
        {"op": "replace", "path": "/~1{proxy+}/ANY/throttling/burstLimit", "value": "0"},
    )
    assert get(endpoint, host_of(api), "/prod/x")[0] == 429
    assert get(endpoint, host_of(api), "/prod/")[0] == 200


@pytest.mark.parametrize(
    "path", ["/throttle/rateLimit", "/*/*/throttling/rate", "/*/throttling/rateLimit", "/rateLimit"]
)
@pytest.mark.rule("a stage patch path that does not exist is refused", PATCHES)
def test_a_wrong_stage_path_is_refused(api: str, client: Client, path: str) -> None:
    operation = {"op": "replace", "path": path, "value": "0"}
    refused = code(client("apigateway").update_stage, restApiId=api, stageName="prod", patchOperations=[operation])
    assert refused == ("BadRequestException", 400)


@pytest.mark.rule(
    "requests and errors are counted by API name and stage",
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html",
)
def test_requests_are_counted(api: str, client: Client, endpoint: Endpoint) -> None:
    metrics = client("cloudwatch")
    get(endpoint, host_of(api), "/prod/counted")

    def count(name: str) -> float:
        clock = SystemClock()
        points = metrics.get_metric_statistics(
            Namespace="AWS/ApiGateway",
            MetricName=name,
            Dimensions=[{"Name": "ApiName", "Value": "conformance"}],
            StartTime=clock.now().timestamp() - 3600,
            EndTime=clock.now().timestamp() + 60,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    wait_for("the count", lambda: count("Count") >= 1, timeout=endpoint.aws_seconds(180), clock=SystemClock())
    assert count("Latency") > 0


@pytest.mark.rule(
    "an integration that is not reached within its timeout answers 504; a function may be in another region",
    "https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html",
)
def test_a_function_behind_a_cut_link_is_504(client: Client, endpoint: Endpoint, breaking: Breaking) -> None:
    api = make_api(client, "far-function", make_function(client, "far-function", region=THERE))
    assert get(endpoint, host_of(api), "/prod/")[1]["region"] == THERE
    breaking.link(HERE, THERE)
    assert get(endpoint, host_of(api), "/prod/") == (504, {"message": "Endpoint request timed out"})
    breaking.mend()
    breaking.region(THERE)
    assert get(endpoint, host_of(api), "/prod/")[0] == 504
    breaking.mend()
    assert get(endpoint, host_of(api), "/prod/")[0] == 200


@pytest.mark.rule(
    "when Lambda does not answer, API Gateway does, with 5xx",
    "https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html",
)
def test_a_failing_lambda_is_5xx_at_the_gateway(api: str, endpoint: Endpoint, breaking: Breaking) -> None:
    breaking.service(ServiceFault(HERE, "lambda", "unavailable"))
    assert get(endpoint, host_of(api), "/prod/") == (500, {"message": "Internal server error"})
    breaking.mend()
    breaking.service(ServiceFault(HERE, "execute-api", "unavailable"))
    assert get(endpoint, host_of(api), "/prod/") == (503, {"message": "Service Unavailable"})
