from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.clock import SystemClock
from drillbook.embedded import crash
from drillbook.errors import UsageError
from drillbook.measure import front_door
from drillbook.measure.front_door import HttpFrontDoor, Template, classified
from drillbook.measure.history import ABSENT, FOREIGN, Kind, Res
from drillbook.measure.json_path import JsonPath


def door(spec: dict[str, Any], timeout: float = 2.0) -> HttpFrontDoor:
    return HttpFrontDoor(spec, timeout=timeout, clock=SystemClock())


def test_a_record_lives_and_dies_through_the_front_door(service: Any) -> None:
    front = door(service.front_door)
    assert front.kinds == frozenset(Kind)
    assert front.ask(Kind.READ, "k", 1).seen == ABSENT
    assert front.ask(Kind.INSERT, "k", 1).res is Res.OK
    assert front.ask(Kind.READ, "k", 1).seen == 1
    assert front.ask(Kind.UPDATE, "k", 2).status == "HTTP 200"
    assert front.ask(Kind.READ, "k", 2).seen == 2
    assert front.listing() == {"k": 1}
    assert front.ask(Kind.DELETE, "k", 3).res is Res.OK
    assert front.ask(Kind.PROBE, "", 0).res is Res.OK


def test_writing_to_a_record_that_is_gone_is_a_refusal_that_shows_absence(service: Any) -> None:
    front = door(service.front_door)
    for f in (Kind.UPDATE, Kind.DELETE):
        answer = front.ask(f, "gone", 2)
        assert (answer.res, answer.seen, answer.status) == (Res.FAIL, ABSENT, "HTTP 404")


def test_a_record_with_another_content_is_foreign(service: Any) -> None:
    service.items["k"] = {"id": "k", "name": "nonsense"}
    assert door(service.front_door).ask(Kind.READ, "k", 1).seen == FOREIGN


@pytest.mark.parametrize(
    ("status", "res"),
    [
        (200, Res.OK),
        (202, Res.INFO),
        (302, Res.INFO),
        (400, Res.FAIL),
        (408, Res.INFO),
        (429, Res.FAIL),
        (500, Res.INFO),
        (502, Res.INFO),
    ],
)
def test_only_a_refusal_is_known_to_have_no_effect(status: int, res: Res) -> None:
    assert classified(status, frozenset({200, 201})).res is res


def test_any_2xx_acknowledges_where_nothing_else_is_said() -> None:
    assert classified(204, frozenset()).res is Res.OK


def test_a_server_error_is_kept_in_the_status(service: Any) -> None:
    service.down = lambda method, path: 502
    answer = door(service.front_door).ask(Kind.INSERT, "k", 1)
    assert (answer.res, answer.status) == (Res.INFO, "HTTP 502")


def test_an_error_of_the_cloud_itself_is_told_from_the_services() -> None:
    assert front_door.BLAME == crash.BLAME
    with answering(500, {front_door.BLAME: "KeyError"}) as url:
        answer = door({"url": url, "probe": {"path": "/"}}).ask(Kind.PROBE, "", 0)
    assert (answer.res, answer.status) == (Res.INFO, "HTTP 500, the embedded cloud failed")


@contextlib.contextmanager
def answering(status: int, headers: dict[str, str]) -> Iterator[str]:
    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Requests) as server:
        serving = threading.Thread(target=server.handle_request)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        serving.join(10)


def test_a_refused_connection_is_a_definite_no() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        spec = {"url": f"http://127.0.0.1:{unused.getsockname()[1]}", "probe": {"path": "/"}}
        assert door(spec).ask(Kind.PROBE, "", 0).res is Res.FAIL
        assert door(spec).ask(Kind.PROBE, "", 0).status == "connection refused"


def test_an_unknown_host_is_a_definite_no() -> None:
    answer = door({"url": "http://no-such-host.invalid", "probe": {"path": "/"}}).ask(Kind.PROBE, "", 0)
    assert (answer.res, answer.status) == (Res.FAIL, "host name not found")


@pytest.fixture
def silent() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_no_answer_leaves_the_effect_open(silent: str) -> None:
    answer = door({"url": silent, "probe": {"path": "/"}}, timeout=0.1).ask(Kind.PROBE, "", 0)
    assert (answer.res, answer.status) == (Res.INFO, "no answer within 0.1 s")


def test_keys_are_quoted_in_the_path_and_filled_in_everywhere_else() -> None:
    template = Template.parse(
        "write",
        {
            "path": "/a/{key}?v={version}",
            "headers": {"X-Key": "{key}"},
            "json": {"id": "{key}", "deep": ["v{version}", 1]},
        },
    )
    path, body, headers = template.request("a/b c", 3)
    assert path == "/a/a%2Fb%20c?v=3"
    assert body == b'{"id": "a/b c", "deep": ["v3", 1]}'
    assert headers == {"Connection": "close", "X-Key": "a/b c", "Content-Type": "application/json"}
    assert Template.parse("write", {"path": "/", "body": "{key}={version}"}).request("k", 1)[1] == b"k=1"


def test_the_templates_of_a_service_file_may_hold_nothing_and_numbers_as_text() -> None:
    template = Template.parse("probe", {"method": None, "path": "/", "ok": ["200", 201], "json": None, "headers": None})
    assert template.ok == {200, 201}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"probe": {"path": "/"}}, "url"),
        ({"url": "ftp://x", "probe": {"path": "/"}}, "url"),
        ({"url": "http://x"}, "no template"),
        ({"url": "http://x", "read": {"path": "/"}}, "version"),
        ({"url": "http://x", "read": {"path": "/", "version": "name"}}, "no path"),
        ({"url": "http://x", "read": {"path": "/", "version": "$.a", "pattern": "("}}, "pattern"),
        ({"url": "http://x", "probe": {"path": "/", "ok": ["fine"]}}, "statuses"),
        ({"url": "http://x", "probe": {"path": "/a b"}}, "no path"),
    ],
)
def test_a_wrong_template_is_told_in_one_line(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        door(spec)
    assert refused.value.do
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b", [1]),
        ("$.l[0].n", ["x"]),
        ("$.l[*].n", ["x", "y"]),
        ('$["odd name"]', [2]),
        ("$.l[7]", []),
        ("$.a.b.c", []),
        ("$.none", []),
    ],
)
def test_a_path_leads_to_values(path: str, found: list[Any]) -> None:
    assert JsonPath.parse(path).find({"a": {"b": 1}, "l": [{"n": "x"}, {"n": "y"}], "odd name": 2}) == found


@given(st.text(max_size=12))
def test_any_text_is_a_path_or_is_refused(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(JsonPath.parse(text).find({"a": [1]}), list)
