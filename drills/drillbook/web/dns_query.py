"""One DNS question over UDP, and over TCP if the answer was cut short."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass

from dnslib import QTYPE, RCODE, DNSError, DNSHeader, DNSQuestion, DNSRecord

from drillbook.clock import Clock

_RETRY = 0.5
"""Seconds until a datagram counts as lost."""


@dataclass(frozen=True)
class Told:
    """What the name server says of a name's IPv4 addresses. ``ttl`` in the server's seconds, of the whole chain."""

    addresses: tuple[str, ...]
    ttl: float
    alias: str | None = None
    """Where an alias leads that the server did not follow to its end."""
    code: str = "NOERROR"


def ask(server: tuple[str, int], name: str, timeout: float, clock: Clock) -> Told:
    """Ask for the addresses of ``name``. Raises socket.gaierror (EAI_AGAIN) if no answer comes in ``timeout`` s."""
    question = DNSRecord(DNSHeader(id=secrets.randbelow(1 << 16), rd=1), q=DNSQuestion(name, QTYPE.A))
    try:
        answer = _by_datagram(server, question, clock.monotonic() + timeout, clock)
        if answer.header.tc:
            answer = DNSRecord.parse(question.send(*server, tcp=True, timeout=timeout))
    except (OSError, DNSError) as error:
        raise socket.gaierror(socket.EAI_AGAIN, f"no answer about {name} from the name server ({error})") from error
    return _told(answer, name)


def _by_datagram(server: tuple[str, int], question: DNSRecord, deadline: float, clock: Clock) -> DNSRecord:
    packet = question.pack()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server)
        while (left := deadline - clock.monotonic()) > 0:
            sock.settimeout(min(left, _RETRY))
            sock.send(packet)
            try:
                answer = DNSRecord.parse(sock.recv(65535))
            except TimeoutError:
                continue
            if answer.header.id == question.header.id:
                return answer
    raise TimeoutError("timed out")


def _told(answer: DNSRecord, name: str) -> Told:
    """Follow the aliases inside the answer from ``name`` on."""
    aliases = {_plain(rr.rname): rr for rr in answer.rr if rr.rtype == QTYPE.CNAME}
    at, ttl = name, float("inf")
    while (link := aliases.pop(at, None)) is not None:
        at, ttl = _plain(link.rdata.label), min(ttl, link.ttl)
    found = [rr for rr in answer.rr if rr.rtype == QTYPE.A and _plain(rr.rname) == at]
    ttl = min([ttl, *(rr.ttl for rr in found)])
    code = str(RCODE.get(answer.header.rcode))
    return Told(tuple(str(rr.rdata) for rr in found), ttl, at if at != name and not found else None, code)


def _plain(label: object) -> str:
    return str(label).lower().rstrip(".")
