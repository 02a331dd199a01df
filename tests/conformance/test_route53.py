"""Route 53: what the name servers answer, and when they know of a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from .conftest import HERE, THERE, Endpoint
from .dns_client import Settings, Zone, ask, authority, make_zone, seen

GUIDE = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide"
API = "https://docs.aws.amazon.com/Route53/latest/APIReference"
MANY = [f"192.0.2.{number}" for number in range(1, 11)]


@pytest.fixture(scope="module")
def zone(endpoint: Endpoint, client: Callable[..., Any]) -> Zone:
    """A zone with the records of all tests that change none: one propagation for all of them."""
    made = make_zone(endpoint, client, "answers.example.com")
    groups = (plain, wild, weighted, near, places, many, aliases, apis)
    made.put(*(record for group in groups for record in group(made)))
    return made


def plain(zone: Zone) -> list[Settings]:
    return [
        zone.record("plain", "192.0.2.7", "192.0.2.8", ttl=17),
        zone.record("plain", "2001:db8::7", kind="AAAA"),
        zone.record("plain", '"a b" "c"', kind="TXT"),
        zone.record("plain", "10 mail.example.com.", kind="MX"),
        zone.record("other", f"plain.{zone.name}", kind="CNAME"),
        zone.record("deep.below", "192.0.2.1"),
    ]


def wild(zone: Zone) -> list[Settings]:
    return [zone.record("*.wild", "192.0.2.1"), zone.record("known.wild", "192.0.2.2")]


def weighted(zone: Zone) -> list[Settings]:
    weights = {"192.0.2.1": 100, "192.0.2.2": 100, "192.0.2.3": 0}
    return [zone.record("weighted", one, SetIdentifier=one, Weight=weight) for one, weight in weights.items()]


def near(zone: Zone) -> list[Settings]:
    regions = {"us-east-1": "192.0.2.1", "eu-west-1": "192.0.2.2", "ap-southeast-2": "192.0.2.3"}
    return [zone.record("near", one, SetIdentifier=region, Region=region) for region, one in regions.items()]


def places(zone: Zone) -> list[Settings]:
    default = {"GeoLocation": {"CountryCode": "*"}, "SetIdentifier": "default"}
    europe = {"GeoLocation": {"ContinentCode": "EU"}, "SetIdentifier": "europe"}
    return [zone.record("geo", "192.0.2.1", **default), zone.record("geo", "192.0.2.2", **europe)]


def many(zone: Zone) -> list[Settings]:
    return [zone.record("many", one, SetIdentifier=one, MultiValueAnswer=True) for one in MANY]


def aliases(zone: Zone) -> list[Settings]:
    return [zone.record("target", "192.0.2.5", ttl=33), zone.record("", **zone.alias("target"))]


def apis(zone: Zone) -> list[Settings]:
    def target(region: str) -> Settings:
        name = f"d-abc123.execute-api.{region}.amazonaws.com"
        return {"DNSName": name, "HostedZoneId": "Z1UJRXOUMOOFQ8", "EvaluateTargetHealth": False}

    return [zone.record(name, AliasTarget=target(region)) for name, region in (("here", HERE), ("there", THERE))]


def refused(call: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(ClientError) as refusal:
        call()
    answer = refusal.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.rule("a change is PENDING, and INSYNC when the name servers know of it", f"{API}/API_GetChange.html")
def test_a_change_is_pending_until_it_is_answered(zone: Zone) -> None:
    change = zone.change(zone.record("pending", "192.0.2.1"))
    assert zone.ask("pending").code == "NXDOMAIN"
    zone.put(zone.record("another", "192.0.2.2"))
    assert zone.route53.get_change(Id=change)["ChangeInfo"]["Status"] == "INSYNC"
    assert zone.ask("pending").values == ("192.0.2.1",)


@pytest.mark.rule("a change that was never made is not found", f"{API}/API_GetChange.html")
def test_an_unknown_change_is_not_found(zone: Zone) -> None:
    assert refused(lambda: zone.route53.get_change(Id="CNOSUCHCHANGE")) == ("NoSuchChange", 404)


@pytest.mark.rule(
    "records of all types are answered with their own values and TTL", f"{GUIDE}/ResourceRecordTypes.html"
)
def test_records_are_answered_as_they_stand(zone: Zone) -> None:
    assert sorted(zone.ask("plain").values) == ["192.0.2.7", "192.0.2.8"]
    assert zone.ask("plain").ttl == 17
    assert zone.ask("PLAIN").code == "NOERROR"
    assert zone.ask("plain", "AAAA").values == ("2001:db8::7",)
    assert zone.ask("plain", "TXT").values == ('"a b","c"',)
    assert zone.ask("plain", "MX").values == ("10 mail.example.com.",)
    assert zone.ask("other").values == (f"plain.{zone.name}.", "192.0.2.7", "192.0.2.8")
    assert zone.ask("plain", tcp=True).values == zone.ask("plain").values
    assert zone.ask("plain").message.header.aa


@pytest.mark.rule("every public hosted zone has an NS and an SOA record", f"{GUIDE}/SOA-NSrecords.html")
def test_a_zone_begins_with_its_name_servers_and_its_authority(zone: Zone) -> None:
    assert len(zone.ask("", "NS").values) == 4
    assert zone.ask("", "SOA").values[0].split()[2:] == ["1", "7200", "900", "1209600", "86400"]


@pytest.mark.rule(
    "a name without records is NXDOMAIN, a name without records of the type is empty", f"{API}/API_TestDNSAnswer.html"
)
def test_what_is_not_there_is_told_with_the_authority(zone: Zone) -> None:
    assert (zone.ask("nothing").code, authority(zone.ask("nothing"))) == ("NXDOMAIN", ["SOA"])
    for label, kind in (("deep.below", "AAAA"), ("below", "A")):
        told = zone.ask(label, kind)
        assert (told.code, told.values, authority(told)) == ("NOERROR", (), ["SOA"])
    assert ask(zone.endpoint, "example.org").code == "REFUSED"


@pytest.mark.rule("a wildcard answers for names that have no records of their own", f"{GUIDE}/DomainNameFormat.html")
def test_a_wildcard_answers_for_what_is_not_there(zone: Zone) -> None:
    assert zone.ask("any.thing.wild").values == ("192.0.2.1",)
    assert zone.ask("known.wild").values == ("192.0.2.2",)
    assert zone.ask("below.known.wild").code == "NXDOMAIN"
    listed = zone.route53.list_resource_record_sets(HostedZoneId=zone.id, MaxItems="300")["ResourceRecordSets"]
    assert f"\\052.wild.{zone.name}." in {record["Name"] for record in listed}


@pytest.mark.rule(
    "weighted records answer in proportion to their weight, weight 0 never", f"{GUIDE}/routing-policy-weighted.html"
)
def test_weights_share_the_answers(zone: Zone) -> None:
    assert seen(lambda: zone.ask("weighted").values[0]) == {"192.0.2.1", "192.0.2.2"}


@pytest.mark.rule(
    "a latency record answers for the region that is nearest to the client", f"{GUIDE}/routing-policy-latency.html"
)
def test_the_nearest_region_answers(zone: Zone) -> None:
    assert zone.ask("near").values == ("192.0.2.1",)


@pytest.mark.rule(
    "a geolocation record of the client's country goes before its continent's and the default",
    f"{GUIDE}/routing-policy-geo.html",
)
def test_the_smallest_place_answers(zone: Zone) -> None:
    assert zone.ask("geo").values == ("192.0.2.1",)
    zone.put(zone.record("geo", "192.0.2.3", GeoLocation={"CountryCode": "US"}, SetIdentifier="country"))
    assert zone.ask("geo").values == ("192.0.2.3",)


@pytest.mark.rule(
    "a multivalue answer holds up to eight records, chosen at random", f"{GUIDE}/routing-policy-multivalue.html"
)
def test_many_values_are_answered_eight_at_a_time(zone: Zone) -> None:
    assert len(zone.ask("many").values) == 8
    assert {one for told in seen(lambda: zone.ask("many").values, times=20) for one in told} <= set(MANY)


@pytest.mark.rule(
    "an alias answers with what its target has, under its own name",
    f"{GUIDE}/resource-record-sets-choosing-alias-non-alias.html",
)
def test_an_alias_answers_with_its_targets_data(zone: Zone) -> None:
    told = zone.ask("")
    assert (told.values, told.ttl, str(told.message.rr[0].rname)) == (("192.0.2.5",), 33, f"{zone.name}.")


@pytest.mark.rule(
    "an alias to an API Gateway domain name leads into that name's region", f"{GUIDE}/routing-to-api-gateway.html"
)
def test_an_alias_to_an_api_leads_into_its_region(zone: Zone) -> None:
    here, there = zone.ask("here"), zone.ask("there")
    assert len(here.values) == len(there.values) == 1
    assert here.values != there.values
    assert here.ttl == 60


@pytest.mark.rule(
    "TestDNSAnswer tells what a client near the resolver is told; by default one in us-east-1",
    f"{API}/API_TestDNSAnswer.html",
)
def test_dns_answers_can_be_tested(zone: Zone) -> None:
    asked = {"HostedZoneId": zone.id, "RecordName": f"plain.{zone.name}", "RecordType": "A"}
    told = zone.route53.test_dns_answer(**asked)
    assert (told["ResponseCode"], sorted(told["RecordData"])) == ("NOERROR", ["192.0.2.7", "192.0.2.8"])
    assert told["RecordType"] == "A"
    assert zone.route53.test_dns_answer(**asked, ResolverIP="8.8.8.8")["RecordData"] == told["RecordData"]
    gone = zone.route53.test_dns_answer(HostedZoneId=zone.id, RecordName=f"gone.{zone.name}", RecordType="A")
    assert (gone["ResponseCode"], gone["RecordData"]) == ("NXDOMAIN", [])


@pytest.mark.rule("a batch of changes is made as a whole or not at all", f"{API}/API_ChangeResourceRecordSets.html")
def test_a_batch_with_one_bad_change_changes_nothing(zone: Zone) -> None:
    good, bad = zone.record("half", "192.0.2.1"), zone.record("half2", "no address")
    assert refused(lambda: zone.change(good, bad)) == ("InvalidChangeBatch", 400)
    listed = zone.route53.list_resource_record_sets(HostedZoneId=zone.id, MaxItems="300")["ResourceRecordSets"]
    assert f"half.{zone.name}." not in {record["Name"] for record in listed}


@pytest.mark.rule(
    "a record is deleted by all its values, and created only where there is none",
    f"{API}/API_ChangeResourceRecordSets.html",
)
def test_what_is_deleted_must_be_given_as_it_stands(zone: Zone) -> None:
    record = zone.record("once", "192.0.2.1")
    zone.put(record, action="CREATE")
    for asked, action in (
        (record, "CREATE"),
        (zone.record("once", "192.0.2.9"), "DELETE"),
        (zone.record("once", "192.0.2.1", ttl=61), "DELETE"),
        (zone.record("never", "192.0.2.1"), "DELETE"),
    ):
        assert refused(lambda asked=asked, action=action: zone.change(asked, action=action))[0] == "InvalidChangeBatch"
    zone.put(record, action="DELETE")
    assert zone.ask("once").code == "NXDOMAIN"


@pytest.mark.rule("what no zone may hold is refused", f"{API}/API_ResourceRecordSet.html")
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"Name": "elsewhere.example.org"}, "InvalidChangeBatch"),
        (
            {"Name": "answers.example.com", "Type": "CNAME", "ResourceRecords": [{"Value": "x.example.com"}]},
            "InvalidChangeBatch",
        ),
        ({"Type": "AAAA"}, "InvalidChangeBatch"),
        ({"AliasTarget": {"HostedZoneId": "Z", "DNSName": "x", "EvaluateTargetHealth": False}}, "InvalidInput"),
        ({"Weight": 1}, "InvalidInput"),
        ({"Weight": 1, "Region": "us-east-1", "SetIdentifier": "a"}, "InvalidInput"),
        ({"SetIdentifier": "a"}, "InvalidInput"),
        ({"HealthCheckId": "11111111-2222-3333-4444-555555555555"}, "NoSuchHealthCheck"),
    ],
)
def test_a_wrong_record_is_refused(zone: Zone, asked: dict[str, Any], code: str) -> None:
    assert refused(lambda: zone.change(zone.record("wrong", "192.0.2.1") | asked))[0] == code


@pytest.mark.rule("a CNAME stands alone, and one name has one routing policy", f"{GUIDE}/ResourceRecordTypes.html")
def test_records_that_clash_are_refused(zone: Zone) -> None:
    for asked in (
        zone.record("plain", "x.example.com", kind="CNAME"),
        zone.record("plain", "192.0.2.2", SetIdentifier="a", Weight=1),
        zone.record("loose", **zone.alias("no-such-target")),
    ):
        assert refused(lambda asked=asked: zone.change(asked)) == ("InvalidChangeBatch", 400)


@pytest.mark.rule("a caller reference makes one hosted zone only", f"{API}/API_CreateHostedZone.html")
def test_a_caller_reference_is_used_once(zone: Zone) -> None:
    reference = zone.route53.get_hosted_zone(Id=zone.id)["HostedZone"]["CallerReference"]
    make = zone.route53.create_hosted_zone
    assert refused(lambda: make(Name="again.example.com", CallerReference=reference)) == (
        "HostedZoneAlreadyExists",
        409,
    )


@pytest.mark.rule(
    "records are listed by the reversed labels of their names, and a page begins at a name, a type and an identifier",
    "https://docs.aws.amazon.com/Route53/latest/APIReference/API_ListResourceRecordSets.html",
)
def test_records_are_listed_page_by_page(endpoint: Endpoint, client: Callable[..., Any]) -> None:
    zone, route53 = make_zone(endpoint, client, "paged.example.com"), client("route53")
    weighted = [zone.record("w", f"192.0.2.{number}", SetIdentifier=f"s{number}", Weight=number) for number in range(5)]
    zone.put(*weighted, zone.record("a.b", "192.0.2.9"), zone.record("b", "192.0.2.8"))
    pages = route53.get_paginator("list_resource_record_sets").paginate(
        HostedZoneId=zone.id, PaginationConfig={"PageSize": 2}
    )
    listed = [(one["Name"], one.get("SetIdentifier")) for page in pages for one in page["ResourceRecordSets"]]
    apex = "paged.example.com."
    assert listed == [
        (apex, None), (apex, None), (f"b.{apex}", None), (f"a.b.{apex}", None),
        *[(f"w.{apex}", f"s{number}") for number in range(5)],
    ]  # fmt: skip
    some = route53.list_resource_record_sets(
        HostedZoneId=zone.id, StartRecordName=f"w.{apex}", StartRecordType="A", StartRecordIdentifier="s3"
    )
    assert [one["SetIdentifier"] for one in some["ResourceRecordSets"]] == ["s3", "s4"]


@pytest.mark.rule(
    "a label has 63 bytes at most, a name 255",
    "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html",
)
@pytest.mark.parametrize("label", ["x" * 64, ".".join(["x" * 60] * 4), "a..b"])
def test_a_name_that_is_too_long_is_refused(endpoint: Endpoint, client: Callable[..., Any], label: str) -> None:
    zone = make_zone(endpoint, client, f"named{len(label)}.example.com")
    with pytest.raises(client("route53").exceptions.InvalidChangeBatch):
        zone.put(zone.record(label, "192.0.2.1"))


@pytest.mark.rule(
    "a hosted zone has a valid name",
    "https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHostedZone.html",
)
@pytest.mark.parametrize("name", ["", "bad..example.com"])
def test_a_zone_without_a_proper_name_is_refused(client: Callable[..., Any], name: str) -> None:
    with pytest.raises(client("route53").exceptions.InvalidDomainName):
        client("route53").create_hosted_zone(Name=name, CallerReference=uuid4().hex)
