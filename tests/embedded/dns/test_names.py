"""What the name servers make of zones, without a network."""

from __future__ import annotations

from typing import Any

import pytest
from dnslib import RCODE, DNSRecord
from hypothesis import example, given
from hypothesis import strategies as st
from moto.route53.models import RecordSet

from drillbook.embedded.addresses import REGIONS, address_of
from drillbook.embedded.dns.answers import Names, Zone
from drillbook.embedded.dns.geography import SPOTS, distance
from drillbook.embedded.dns.names import canonical, service_address, stored
from drillbook.embedded.dns.wire import is_valid, respond

SOA = {"Name": "example.com.", "Type": "SOA", "TTL": 900, "ResourceRecords": ["ns. host. 1 7200 900 1209600 86400"]}


def zone(*records: dict[str, Any], name: str = "example.com.", zone_id: str = "Z1") -> Zone:
    made = [RecordSet({"TTL": 60, **record}) for record in (SOA, *records)]  # type: ignore[abstract]
    return Zone(zone_id, name, tuple(made))


def names(*zones: Zone, sick: frozenset[str] = frozenset()) -> Names:
    return Names(lambda: zones, lambda check: check not in sick)


def a(name: str, *values: str, **more: Any) -> dict[str, Any]:
    return {"Name": f"{name}.example.com.", "Type": "A", "ResourceRecords": list(values), **more}


def alias(name: str, target: str, zone_id: str = "Z1", **more: Any) -> dict[str, Any]:
    there = {"DNSName": target, "HostedZoneId": zone_id, "EvaluateTargetHealth": True}
    return {"Name": f"{name}.example.com.", "Type": "A", "AliasTarget": there, **more}


def shown(all_names: Names, name: str, location: str = "us-east-1") -> list[str]:
    return [entry.value for entry in all_names.reply(name, "A", location).answers]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("abc.execute-api.eu-west-1.amazonaws.com", address_of("eu-west-1")),
        ("d-abc.execute-api.us-west-2.amazonaws.com.", address_of("us-west-2")),
        ("bucket.s3-website-us-west-2.amazonaws.com", address_of("us-west-2")),
        ("bucket.s3.ap-south-1.amazonaws.com", address_of("ap-south-1")),
        ("us-east-1.s3.eu-north-1.amazonaws.com", address_of("eu-north-1")),
        ("D123.CloudFront.net", "127.0.0.1"),
        ("s3.amazonaws.com", "127.0.0.1"),
        ("ns-2048.awsdns-64.com", "127.0.0.1"),
        ("example.com", None),
        ("amazonaws.com.example.com", None),
    ],
)
def test_names_of_services_lead_into_their_region(name: str, address: str | None) -> None:
    assert service_address(name) == address


def test_every_region_has_a_place() -> None:
    assert set(SPOTS) == set(REGIONS)
    assert distance("us-east-1", "us-east-1") == 0
    assert distance("us-east-1", "us-west-2") < distance("us-east-1", "eu-west-1") < distance("us-east-1", "ap-south-1")


def test_the_nearest_depends_on_where_the_client_is() -> None:
    records = [
        a("near", value, Region=region, SetIdentifier=region)
        for value, region in (("1", "us-west-2"), ("2", "eu-west-1"))
    ]
    served = names(zone(*records))
    assert shown(served, "near.example.com") == ["1"]
    assert shown(served, "near.example.com", "eu-central-1") == ["2"]


def test_a_sick_nearest_is_passed_over() -> None:
    records = [
        a("near", "1", Region="us-east-1", SetIdentifier="1", HealthCheckId="sick"),
        a("near", "2", Region="us-west-2", SetIdentifier="2"),
    ]
    assert shown(names(zone(*records), sick=frozenset({"sick"})), "near.example.com") == ["2"]
    assert shown(names(zone(records[0]), sick=frozenset({"sick"})), "near.example.com") == ["1"]


def test_a_place_without_a_record_gets_no_answer() -> None:
    record = a("geo", "1", GeoLocation={"ContinentCode": "EU"}, SetIdentifier="1")
    assert shown(names(zone(record)), "geo.example.com") == []
    assert shown(names(zone(record)), "geo.example.com", "eu-west-1") == ["1"]


def test_aliases_in_a_circle_come_to_an_end() -> None:
    served = names(zone(alias("a", "b.example.com."), alias("b", "a.example.com.")))
    reply = served.reply("a.example.com", "A")
    assert (reply.code, reply.answers) == ("NOERROR", ())


def test_a_chain_of_names_is_followed_within_the_zone_and_across_zones_by_the_cloud() -> None:
    link = {"Name": "www.example.com.", "Type": "CNAME", "ResourceRecords": ["w.example.net"]}
    inner = {"Name": "api.example.com.", "Type": "CNAME", "ResourceRecords": ["www.example.com"]}
    other = zone(
        {"Name": "w.example.net.", "Type": "A", "ResourceRecords": ["192.0.2.1"]}, name="example.net.", zone_id="Z2"
    )
    served = names(zone(link, inner), other)
    assert [entry.kind for entry in served.reply("api.example.com", "A").answers] == ["CNAME", "CNAME"]
    assert served.address("api.example.com") == "192.0.2.1"
    assert served.address("none.example.com") is None


def test_the_longest_zone_answers_and_other_zones_are_referred_to() -> None:
    handed_over = {"Name": "sub.example.com.", "Type": "NS", "ResourceRecords": ["ns.example.org."]}
    reply = names(zone(handed_over)).reply("x.sub.example.com", "A")
    assert (reply.own, [entry.value for entry in reply.authority]) == (False, ["ns.example.org."])
    inner = zone(a("x.sub", "192.0.2.1"), name="sub.example.com.", zone_id="Z2")
    assert shown(names(zone(handed_over), inner), "x.sub.example.com") == ["192.0.2.1"]


def test_names_are_one_however_they_are_written() -> None:
    assert canonical("\\052.Example.COM") == "*.example.com."
    assert stored("*.Example.com.") == "\\052.example.com."


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("A", "192.0.2.1", "192.0.2.256"),
        ("AAAA", "2001:db8::1", "192.0.2.1"),
        ("MX", "10 mail.example.com", "mail"),
        ("SRV", "1 2 80 host.example.com", "1 2"),
        ("CAA", '0 issue "ca.example.net"', "issue"),
        ("SOA", "a. b. 1 2 3 4 5", "a. b."),
    ],
)
def test_values_must_fit_their_type(kind: str, good: str, bad: str) -> None:
    assert is_valid(kind, good)
    assert not is_valid(kind, bad)


def test_an_answer_too_long_for_a_datagram_is_cut() -> None:
    served = names(zone(a("long", *(f"192.0.2.{number}" for number in range(100)))))
    question = DNSRecord.question("long.example.com").pack()
    cut = DNSRecord.parse(respond(question, served, "us-east-1", 512) or b"")
    whole = DNSRecord.parse(respond(question, served, "us-east-1", None) or b"")
    assert (cut.header.tc, len(cut.rr)) == (1, 0)
    assert (whole.header.tc, len(whole.rr)) == (0, 100)


def test_what_is_no_plain_question_is_not_implemented() -> None:
    question = DNSRecord.question("example.com")
    question.header.opcode = 4
    answer = DNSRecord.parse(respond(question.pack(), names(), "us-east-1", 512) or b"")
    assert RCODE.get(answer.header.rcode) == "NOTIMP"
    assert respond(question.reply().pack(), names(), "us-east-1", 512) is None


@given(st.binary(max_size=80))
def test_no_packet_breaks_the_server(packet: bytes) -> None:
    respond(packet, names(zone(a("x", "192.0.2.1"))), "us-east-1", 512)


@given(st.binary(max_size=40), st.integers(0, 65535))
def test_no_question_breaks_the_server(label: bytes, kind: int) -> None:
    head = b"\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
    packet = head + bytes([len(label)]) + label + b"\x00" + kind.to_bytes(2, "big") + b"\x00\x01"
    answer = respond(packet, names(zone(a("x", "192.0.2.1"))), "us-east-1", 512)
    assert answer is None or len(answer) <= 512


@example("TXT", ";")
@given(st.sampled_from(["MX", "TXT", "SRV", "CAA", "SOA", "PTR", "SPF"]), st.text(max_size=30))
def test_no_value_breaks_the_server(kind: str, value: str) -> None:
    if is_valid(kind, value):
        record = {"Name": "x.example.com.", "Type": kind, "ResourceRecords": [value]}
        question = DNSRecord.question("x.example.com", kind).pack()
        answer = DNSRecord.parse(respond(question, names(zone(record)), "us-east-1", 512) or b"")
        assert len(answer.rr) == 1
