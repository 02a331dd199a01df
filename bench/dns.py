"""How long the embedded name server takes to answer, against a raw UDP echo in the same run.

python bench/dns.py

One zone with 1,000 records; the questions are for a failover pair with a health check, the costliest that drills ask.
"""

from __future__ import annotations

import os
import socket
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from dnslib import DNSRecord

from drillbook.clock import SystemClock
from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.waiting import wait_for

QUESTIONS, RECORDS, NAME = 2000, 1000, "api.bench.example.com"
clock = SystemClock()


@contextmanager
def echo() -> Iterator[tuple[str, int]]:
    """The raw baseline: a thread that sends each datagram back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            packet = b"-"
            while packet:
                packet, client = sock.recvfrom(4096)
                sock.sendto(packet, client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield sock.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", sock.getsockname())
        thread.join()


def times(server: tuple[str, int], packet: bytes) -> list[float]:
    """Milliseconds of each exchange."""
    taken = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server)
        sock.settimeout(5)
        for _ in range(QUESTIONS):
            began = clock.monotonic()
            sock.send(packet)
            sock.recv(4096)
            taken.append((clock.monotonic() - began) * 1000)
    return taken


def fill(cloud: Cloud) -> tuple[str, int]:
    """The zone, and where it is served."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    route53: Any = boto3.client("route53", region_name="us-east-1", endpoint_url=cloud.endpoint, **keys)
    zone = route53.create_hosted_zone(Name="bench.example.com", CallerReference="bench")["HostedZone"]["Id"]
    check = {"Type": "TCP", "IPAddress": "127.0.0.1", "Port": urlsplit(cloud.endpoint).port, "RequestInterval": 30}
    made = route53.create_health_check(CallerReference="bench", HealthCheckConfig=check)["HealthCheck"]["Id"]
    records = [(f"h{number}.bench.example.com", {}) for number in range(RECORDS)]
    records.append((NAME, {"SetIdentifier": "1", "Failover": "PRIMARY", "HealthCheckId": made}))
    records.append((NAME, {"SetIdentifier": "2", "Failover": "SECONDARY"}))
    for first in range(0, len(records), 400):
        changes = [
            {"Action": "CREATE", "ResourceRecordSet": {"Name": name, "Type": "A", "TTL": 60, **more}
             | {"ResourceRecords": [{"Value": "192.0.2.1"}]}}
            for name, more in records[first : first + 400]
        ]  # fmt: skip
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    host, _, port = process.status(cloud)["planes"]["dns"]["address"].partition(":")
    question = DNSRecord.question(NAME)
    wait_for("the zone", lambda: DNSRecord.parse(question.send(host, int(port))).rr, timeout=20, clock=clock)
    return host, int(port)


def main() -> None:
    packet = DNSRecord.question(NAME).pack()
    with tempfile.TemporaryDirectory() as name, echo() as raw:
        cloud = process.start(Path(name), owner=os.getpid(), speed=100)
        try:
            server = fill(cloud)
            base, ours = times(raw, packet), times(server, packet)
        finally:
            process.stop(cloud)
    print(f"raw UDP echo: median {statistics.median(base):.3f} ms")
    most = sorted(ours)[-QUESTIONS // 20]
    print(f"DNS answer: median {statistics.median(ours):.3f} ms, 95 % within {most:.3f} ms (limit 2)")


if __name__ == "__main__":
    main()
