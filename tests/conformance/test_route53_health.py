"""Route 53: health checks that go there, and the answers that depend on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

from .checked import Target
from .conftest import HERE, Breaking, Endpoint
from .dns_client import Zone, make_zone, seen

GUIDE = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide"
API = "https://docs.aws.amazon.com/Route53/latest/APIReference"
HEALTH = f"{GUIDE}/dns-failover-determining-health-of-endpoints.html"
CHOICE = f"{GUIDE}/health-checks-how-route-53-chooses-records.html"
INTERVAL, THRESHOLD = 10, 2
Check = Callable[..., str]


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.end()


@pytest.fixture
def check(client: Callable[..., Any], target: Target) -> Iterator[Check]:
    """Makes health checks of the target, or of what the settings say; they are deleted when the test ends."""
    route53, made = client("route53"), []

    def make(**settings: Any) -> str:
        kind = settings.get("Type", "HTTP")
        base = {"Type": kind} if kind in ("CALCULATED", "CLOUDWATCH_METRIC") else _endpoint(target)
        answer = route53.create_health_check(CallerReference=uuid4().hex, HealthCheckConfig=base | settings)
        made.append(answer["HealthCheck"]["Id"])
        return str(made[-1])

    yield make
    for one in made:
        route53.delete_health_check(HealthCheckId=one)


def _endpoint(target: Target) -> dict[str, Any]:
    return {
        "Type": "HTTP",
        "IPAddress": "127.0.0.1",
        "Port": target.port,
        "ResourcePath": "/health",
        "RequestInterval": INTERVAL,
        "FailureThreshold": THRESHOLD,
    }


@pytest.fixture(scope="module")
def zone(endpoint: Endpoint, client: Callable[..., Any]) -> Zone:
    return make_zone(endpoint, client, "health.example.com")


def pair(zone: Zone, label: str, check_id: str) -> None:
    """A failover pair whose primary is healthy while the check is."""
    zone.put(
        zone.record(label, "192.0.2.1", SetIdentifier="one", Failover="PRIMARY", HealthCheckId=check_id),
        zone.record(label, "192.0.2.2", SetIdentifier="two", Failover="SECONDARY"),
    )


def until(zone: Zone, label: str, *addresses: str) -> None:
    wait_for(
        f"the answer {addresses}",
        lambda: zone.ask(label).values,
        until=lambda values: values == addresses,
        timeout=20,
        interval=0.05,
        clock=SystemClock(),
    )


def reports(client: Callable[..., Any], check_id: str, word: str, checkers: int = 3) -> list[dict[str, Any]]:
    """The observations, when every one of so many checkers, or more, says ``word``."""

    def look() -> list[dict[str, Any]]:
        told = client("route53").get_health_check_status(HealthCheckId=check_id)["HealthCheckObservations"]
        agreed = all(word in one["StatusReport"]["Status"] for one in told)
        return told if agreed and len(told) >= checkers else []

    return wait_for(f"{word} from every checker", look, timeout=20, interval=0.05, clock=SystemClock())


@pytest.mark.rule(
    "an endpoint that fails a threshold of checks in a row is unhealthy, one that passes as many is healthy", HEALTH
)
def test_the_primary_answers_while_it_is_healthy(zone: Zone, target: Target, check: Check) -> None:
    pair(zone, "failover", check())
    assert zone.ask("failover").values == ("192.0.2.1",)
    target.status = 500
    until(zone, "failover", "192.0.2.2")
    target.status = 302
    until(zone, "failover", "192.0.2.1")


@pytest.mark.rule("when neither primary nor secondary is healthy, the primary answers", CHOICE)
def test_two_dead_ones_are_answered_by_the_primary(zone: Zone, target: Target, check: Check) -> None:
    dead = check()
    zone.put(
        zone.record("both", "192.0.2.1", SetIdentifier="one", Failover="PRIMARY", HealthCheckId=dead),
        zone.record("both", "192.0.2.2", SetIdentifier="two", Failover="SECONDARY", HealthCheckId=dead),
        zone.record("witness", "192.0.2.1", SetIdentifier="one", Failover="PRIMARY", HealthCheckId=dead),
        zone.record("witness", "192.0.2.2", SetIdentifier="two", Failover="SECONDARY"),
    )
    target.end()
    until(zone, "witness", "192.0.2.2")
    assert zone.ask("both").values == ("192.0.2.1",)


@pytest.mark.rule("unhealthy weighted and multivalue records do not answer, unless all are unhealthy", CHOICE)
def test_what_is_unhealthy_is_left_out(zone: Zone, target: Target, check: Check) -> None:
    dead, alive = check(), check(Type="TCP", Port=zone.endpoint_port)
    zone.put(
        zone.record("share", "192.0.2.1", SetIdentifier="one", Weight=200, HealthCheckId=dead),
        zone.record("share", "192.0.2.2", SetIdentifier="two", Weight=1, HealthCheckId=alive),
        zone.record("rest", "192.0.2.1", SetIdentifier="one", Weight=1, HealthCheckId=dead),
        zone.record("rest", "192.0.2.2", SetIdentifier="two", Weight=0),
        zone.record("multi", "192.0.2.1", SetIdentifier="one", MultiValueAnswer=True, HealthCheckId=dead),
        zone.record("multi", "192.0.2.2", SetIdentifier="two", MultiValueAnswer=True, HealthCheckId=alive),
        zone.record("open", "192.0.2.1", SetIdentifier="one", Weight=1, HealthCheckId=dead),
        zone.record("open", "192.0.2.2", SetIdentifier="two", Weight=1, HealthCheckId=dead),
    )
    target.end()
    until(zone, "multi", "192.0.2.2")
    assert seen(lambda: zone.ask("share").values, times=20) == {("192.0.2.2",)}
    assert zone.ask("rest").values == ("192.0.2.2",)
    both = {("192.0.2.1",), ("192.0.2.2",)}
    assert seen(lambda: zone.ask("open").values, both) == both


@pytest.mark.rule("an alias that evaluates its target's health is healthy while one of the target's records is", CHOICE)
def test_an_alias_is_as_healthy_as_what_it_leads_to(zone: Zone, target: Target, check: Check) -> None:
    dead = check()
    zone.put(
        zone.record("east", "192.0.2.1", SetIdentifier="a", Weight=1, HealthCheckId=dead),
        zone.record("west", "192.0.2.2", SetIdentifier="a", Weight=1),
        zone.record("tree", SetIdentifier="one", Failover="PRIMARY", **zone.alias("east")),
        zone.record("tree", SetIdentifier="two", Failover="SECONDARY", **zone.alias("west")),
        zone.record("blind", SetIdentifier="one", Failover="PRIMARY", **zone.alias("east", evaluate=False)),
        zone.record("blind", SetIdentifier="two", Failover="SECONDARY", **zone.alias("west")),
    )
    assert zone.ask("tree").values == ("192.0.2.1",)
    target.end()
    until(zone, "tree", "192.0.2.2")
    assert zone.ask("blind").values == ("192.0.2.1",)


@pytest.mark.rule("GetHealthCheckStatus tells what each checker saw last", f"{API}/API_GetHealthCheckStatus.html")
def test_each_checker_says_what_it_saw(client: Callable[..., Any], target: Target, check: Check) -> None:
    one = check(FullyQualifiedDomainName="shop.example.com")
    told = reports(client, one, "Success: HTTP Status Code 200")
    assert len({report["Region"] for report in told}) >= 3
    assert target.hosts == {f"shop.example.com:{target.port}"}
    target.status = 503
    reports(client, one, "Failure: HTTP Status Code 503")
    target.status = 200
    reports(client, one, "Success")
    failed = client("route53").get_health_check_last_failure_reason(HealthCheckId=one)["HealthCheckObservations"]
    assert {"503" in report["StatusReport"]["Status"] for report in failed} == {True}


@pytest.mark.rule("a string match looks for the string in the first 5,120 bytes of a 2xx or 3xx answer", HEALTH)
def test_the_text_must_be_in_the_answer(client: Callable[..., Any], target: Target, check: Check) -> None:
    good, bad = (check(Type="HTTP_STR_MATCH", SearchString=text) for text in ("is well", "is lost"))
    reports(client, good, "Success")
    reports(client, bad, "Failure")
    target.text = " " * 5120 + target.text
    reports(client, good, "Failure")


@pytest.mark.rule(
    "an inverted check is healthy when its endpoint is not; a disabled one is always healthy",
    f"{API}/API_HealthCheckConfig.html",
)
def test_a_check_can_be_inverted_and_disabled(zone: Zone, client: Callable[..., Any], check: Check) -> None:
    one = check(Inverted=True)
    pair(zone, "inverted", one)
    until(zone, "inverted", "192.0.2.2")
    client("route53").update_health_check(HealthCheckId=one, Inverted=False, Disabled=True)
    until(zone, "inverted", "192.0.2.1")
    client("route53").update_health_check(HealthCheckId=one, Inverted=True)
    until(zone, "inverted", "192.0.2.2")


@pytest.mark.rule(
    "a calculated check is healthy while enough of its children are", f"{GUIDE}/health-checks-creating-values.html"
)
def test_a_calculated_check_counts_its_children(zone: Zone, target: Target, check: Check) -> None:
    children = [check(), check(Type="TCP", Port=zone.endpoint_port)]
    pair(zone, "all", check(Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=2))
    pair(zone, "any", check(Type="CALCULATED", ChildHealthChecks=children, HealthThreshold=1))
    assert zone.ask("all").values == ("192.0.2.1",)
    target.status = 500
    until(zone, "all", "192.0.2.2")
    assert zone.ask("any").values == ("192.0.2.1",)


@pytest.mark.rule(
    "a check of an alarm follows the alarm's metric", f"{GUIDE}/dns-failover-determining-health-of-endpoints.html"
)
def test_a_check_of_an_alarm_follows_it(zone: Zone, client: Callable[..., Any], check: Check) -> None:
    cloudwatch, metric = client("cloudwatch"), {"Namespace": "Shop", "MetricName": "Orders lost"}
    cloudwatch.put_metric_alarm(
        AlarmName="orders-lost", **metric, Statistic="Maximum", Period=10, EvaluationPeriods=1, Threshold=0.5,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
    )  # fmt: skip
    identifier = {"Region": "us-east-1", "Name": "orders-lost"}
    one = check(Type="CLOUDWATCH_METRIC", AlarmIdentifier=identifier, InsufficientDataHealthStatus="Healthy")
    pair(zone, "alarmed", one)
    assert zone.ask("alarmed").values == ("192.0.2.1",)
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Orders lost", "Value": 1}])
    until(zone, "alarmed", "192.0.2.2")


@pytest.mark.rule(
    "Route 53 counts each health check's status as a metric in us-east-1", f"{GUIDE}/monitoring-health-checks.html"
)
def test_health_is_a_metric(client: Callable[..., Any], target: Target, check: Check) -> None:
    one = check()
    target.status = 500
    named = {"Namespace": "AWS/Route53", "Dimensions": [{"Name": "HealthCheckId", "Value": one}]}

    def lowest(name: str) -> float:
        now = SystemClock().now()
        told = client("cloudwatch").get_metric_statistics(
            **named, MetricName=name, StartTime=now.replace(hour=0, minute=0), EndTime=now, Period=86400,
            Statistics=["Minimum"],
        )  # fmt: skip
        return min((float(point["Minimum"]) for point in told["Datapoints"]), default=9.0)

    for name in ("HealthCheckStatus", "HealthCheckPercentageHealthy"):
        wait_for(name, lambda name=name: lowest(name) == 0, timeout=20, clock=SystemClock())


@pytest.mark.rule("checkers of a region that is lost have no say, those of the others go on", HEALTH)
def test_checks_go_on_from_the_other_regions(
    client: Callable[..., Any], target: Target, check: Check, breaking: Breaking
) -> None:
    one = check(Regions=["us-west-1", "eu-west-1", "ap-northeast-1"])
    reports(client, one, "Success")
    breaking.region("eu-west-1")
    target.status = 404
    told = reports(client, one, "Failure: HTTP Status Code 404", checkers=2)
    assert {report["Region"] for report in told} == {"us-west-1", "ap-northeast-1"}


@pytest.mark.rule(
    "while the control plane's region is lost, name servers and health checkers go on, and nothing can be changed",
    "https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html",
)
def test_answers_change_while_records_cannot(zone: Zone, target: Target, check: Check, breaking: Breaking) -> None:
    pair(zone, "static", check())
    breaking.region(HERE)
    with pytest.raises(BotoCoreError):
        zone.change(zone.record("static", "192.0.2.3"))
    assert zone.ask("static").values == ("192.0.2.1",)
    target.status = 500
    until(zone, "static", "192.0.2.2")
    breaking.mend()
    listed = zone.route53.list_resource_record_sets(HostedZoneId=zone.id)["ResourceRecordSets"]
    assert len([one for one in listed if one["Name"] == f"static.{zone.name}."]) == 2


@pytest.mark.rule(
    "a health check must say what to check, from at least three regions", f"{API}/API_HealthCheckConfig.html"
)
@pytest.mark.parametrize(
    "settings",
    [
        {"IPAddress": "not an address"},
        {"FailureThreshold": 3, "RequestInterval": 20},
        {"Type": "HTTP_STR_MATCH"},
        {"Type": "CLOUDWATCH_METRIC"},
        {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": ["11111111-2222-3333-4444-555555555555"]},
    ],
)
def test_a_wrong_check_is_refused(check: Check, settings: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refusal:
        check(**settings)
    assert refusal.value.response["Error"]["Code"] == "InvalidInput"


@pytest.mark.rule(
    "a caller reference makes one health check; updating an old version is refused", f"{API}/API_UpdateHealthCheck.html"
)
def test_a_check_is_made_once_and_updated_by_version(client: Callable[..., Any], target: Target, check: Check) -> None:
    route53, one = client("route53"), check()
    known = route53.get_health_check(HealthCheckId=one)["HealthCheck"]
    again = {"CallerReference": known["CallerReference"], "HealthCheckConfig": _endpoint(target)}
    assert route53.create_health_check(**again)["HealthCheck"]["Id"] == one
    again["HealthCheckConfig"]["ResourcePath"] = "/other"
    for call, code in (
        (lambda: route53.create_health_check(**again), "HealthCheckAlreadyExists"),
        (lambda: route53.update_health_check(HealthCheckId=one, HealthCheckVersion=9), "HealthCheckVersionMismatch"),
        (lambda: route53.get_health_check_status(HealthCheckId="no-such-check"), "NoSuchHealthCheck"),
        (lambda: route53.delete_health_check(HealthCheckId="no-such-check"), "NoSuchHealthCheck"),
    ):
        with pytest.raises(ClientError) as refusal:
            call()
        assert refusal.value.response["Error"]["Code"] == code
    updated = route53.update_health_check(HealthCheckId=one, HealthCheckVersion=1, FailureThreshold=5)["HealthCheck"]
    assert (updated["HealthCheckVersion"], updated["HealthCheckConfig"]["FailureThreshold"]) == (2, 5)
