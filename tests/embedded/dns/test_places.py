"""Connections of the cloud's own."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from drillbook.clock import SystemClock
from drillbook.embedded.dns import places
from drillbook.embedded.planes import CloudState


def test_certificates_are_read_once_for_all_probes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[ssl.SSLContext] = []
    used: list[Any] = []
    monkeypatch.setattr(places, "dial", lambda _places, _host, _seconds, context: used.append(context))
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda self, *_: made.append(self))
    cloud = CloudState("111122223333", "http://127.0.0.1:1", 100.0, SystemClock(), tmp_path)
    for _ in range(3):
        places.connect(cloud, "127.0.0.1", 443, tls=True, host="example.com", seconds=1)
    assert len({id(context) for context in used}) == 1
    assert not made, "nobody's certificate is verified, so none is read"
