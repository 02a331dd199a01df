"""Between answers and DNS messages."""

from __future__ import annotations

import struct
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from dnslib import QTYPE, RCODE, RD, RR, DNSBuffer, DNSError, DNSLabel, DNSRecord

from drillbook.embedded.dns.answers import Entry, Names, Reply
from drillbook.embedded.dns.names import canonical

PLAIN_LIMIT = 512
"""Bytes of a datagram for a client that does not say how much it takes (RFC 1035)."""
_QUERY = 0
_SOA_PARTS = 7


def is_valid(kind: str, value: str) -> bool:
    """Can a record of this type have this value?"""
    if not value.strip():
        return False
    try:
        match kind:
            case "A":
                IPv4Address(value)
            case "AAAA":
                IPv6Address(value)
            case "SOA" if len(value.split()) != _SOA_PARTS:
                return False
            case _:
                packed = DNSBuffer()
                _data(kind, value).pack(packed)
                return bool(packed.data)  # A comment is read as data of no length, which no record has.
    except (
        AddressValueError,
        DNSError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        RuntimeError,
        struct.error,
    ):
        return False  # dnslib reads zone files as it likes, and fails in as many ways.
    return True


def respond(packet: bytes, names: Names, location: str, limit: int | None) -> bytes | None:
    """The answer to a DNS message; None to what is none. ``limit``: bytes that fit, None over TCP."""
    try:
        asked = DNSRecord.parse(packet)
    except DNSError:
        return None
    if asked.header.qr:
        return None
    answer = asked.reply(ra=0, aa=0)
    if asked.header.opcode != _QUERY or len(asked.questions) != 1:
        answer.header.rcode = RCODE.NOTIMP
        return bytes(answer.pack())
    question = asked.q
    _fill(answer, names.reply(_text(question.qname), str(QTYPE.get(question.qtype)), location))
    packed = bytes(answer.pack())
    if limit is not None and len(packed) > _room(asked, limit):
        packed = bytes(answer.truncate().pack())
    return packed


def _fill(answer: DNSRecord, reply: Reply) -> None:
    answer.header.rcode = getattr(RCODE, reply.code)
    answer.header.aa = int(reply.own)
    for entry in reply.answers:
        answer.add_answer(_record(entry))
    for entry in reply.authority:
        answer.add_auth(_record(entry))


def _room(asked: DNSRecord, limit: int) -> int:
    """What the client takes by EDNS (RFC 6891), within reason."""
    offered = max((rr.edns_len for rr in asked.ar if rr.rtype == QTYPE.OPT), default=limit)
    return max(limit, min(int(offered), 4096))


def _record(entry: Entry) -> RR:
    return RR(DNSLabel(entry.name), getattr(QTYPE, entry.kind), ttl=entry.ttl, rdata=_data(entry.kind, entry.value))


@lru_cache(4096)
def _data(kind: str, value: str) -> RD:
    """The data of a record whose value is as in a zone file. Raises DNSError, ValueError or LookupError."""
    if kind == "CNAME":
        value = canonical(value)
    parsed = RR.fromZone(f". 0 IN {kind} {value}")
    if len(parsed) != 1:
        raise ValueError(f"no {kind} data")
    return parsed[0].rdata


def _text(label: DNSLabel) -> str:
    return str(label)
