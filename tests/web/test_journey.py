"""Several requests as one probe."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from drillbook import action
from drillbook.errors import UsageError
from drillbook.probe import Probe
from drillbook.service_model import Action
from drillbook.web import latency as subject
from drillbook.web.request import Answer
from drillbook.world import World

Make = Callable[..., World]


class Shop(BaseHTTPRequestHandler):
    """Users register by a form, log in by JSON or by cookie, and read what they wrote."""

    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/register":
            self.server.users.add(parse_qs(body)["user"][0])
            self.answer(302, {}, ("Location", "/welcome/7"), ("Set-Cookie", "csrf=c1; Path=/"), ("Set-Cookie", "s=s1"))
        elif self.path == "/login" and json.loads(body)["user"] in self.server.users:
            self.answer(200, {"session": [{"token": "very-private"}], "user id": 42})
        elif self.path == "/notes" and self.headers.get("Authorization") == "Bearer very-private":
            self.server.notes.append(json.loads(body)["text"])
            self.answer(201, {"id": len(self.server.notes)})
        else:
            self.answer(401, {})

    def do_GET(self) -> None:
        if self.path.startswith("/notes/"):
            self.answer(200, {"text": self.server.notes[int(self.path.rpartition("/")[2]) - 1]})
        else:
            self.answer(200, {"path": self.path, "cookies": self.headers.get("Cookie", "")})

    def answer(self, status: int, said: Any, *headers: tuple[str, str]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        for header in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Shop)
        self.users: set[str] = set()
        self.notes: list[str] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def shop() -> Iterator[Server]:
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


def journey(world: World, shop: Server, *steps: dict[str, Any], **more: Any) -> Probe:
    world.values["shop"] = f"http://127.0.0.1:{shop.server_address[1]}"
    settings = {"steps": list(steps), **more}
    return action.probe(world, Action.model_validate({"use": "web.journey", "with": settings}))


REGISTER = {
    "name": "register", "method": "POST", "url": "{shop}/register", "form": {"user": "drill <unique>"},
    "status": [302], "keep": {"place": "header:Location", "csrf": "cookie:csrf"},
}  # fmt: skip
LOG_IN = {
    "name": "log in", "method": "POST", "url": "{shop}/login", "json": {"user": "drill <unique>"},
    "keep": {"token": "$.session[0].token", "id": '$["user id"]'},
}  # fmt: skip
WRITE = {
    "name": "write", "method": "POST", "url": "{shop}/notes", "headers": {"Authorization": "Bearer <token>"},
    "json": {"text": "note <unique> of <id>"}, "status": [201], "keep": {"note": "$.id"},
}  # fmt: skip
READ = {"name": "read", "url": "{shop}/notes/<note>", "contains": "note <unique> of 42"}


def test_values_are_carried_from_step_to_step_and_each_journey_is_a_new_one(world: Make, shop: Server) -> None:
    probe = journey(world(), shop, REGISTER, LOG_IN, WRITE, READ)
    assert probe.describe() == "register, log in, write, read within 30 s"
    for _ in range(2):
        reading = probe.read()
        assert reading.ok, reading.value
        assert reading.value.startswith("4 steps in ")
        assert list(reading.data["seconds"]) == ["register", "log in", "write", "read"]
    assert len(shop.users) == len(set(shop.notes)) == 2


def test_cookies_and_headers_are_carried_too(world: Make, shop: Server) -> None:
    look = {"name": "look", "url": "{shop}<place>?<csrf>", "contains": '"/welcome/7?c1", "cookies": "csrf=c1; s=s1"'}
    reading = journey(world(), shop, REGISTER, look).read()
    assert reading.ok, reading.value


def test_the_first_step_that_fails_ends_it_and_is_named(world: Make, shop: Server) -> None:
    reading = journey(world(), shop, LOG_IN, WRITE).read()
    assert (reading.ok, reading.value) == (False, "log in: HTTP 401")
    assert shop.notes == []


def test_an_answer_without_what_is_to_be_kept_is_a_bad_one(world: Make, shop: Server) -> None:
    reading = journey(world(), shop, {"name": "look", "url": "{shop}/", "keep": {"token": "$.path[3].x"}}).read()
    assert (reading.ok, reading.value) == (False, "look: HTTP 200 without $.path[3].x")


def test_what_was_kept_is_told_by_its_name_alone(world: Make, shop: Server) -> None:
    look = {"name": "look", "url": "{shop}/", "contains": "<token>"}
    reading = journey(world(), shop, REGISTER, LOG_IN, look).read()
    assert (reading.ok, reading.value) == (False, "look: HTTP 200 without '<token>'")


def test_a_way_that_takes_too_long_is_a_bad_one(world: Make, shop: Server) -> None:
    reading = journey(world(), shop, REGISTER, within="0 s").read()
    assert reading.ok is False
    assert reading.value.startswith("1 steps in ")


def test_nobody_there_is_a_bad_reading(world: Make, shop: Server) -> None:
    there = world()
    probe = journey(there, shop, {"name": "look", "url": "http://127.0.0.1:1/"})
    assert probe.read().value == "look: connection refused"


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "at least 1 item"),
        ([{"name": "a", "url": "{shop}/<token>"}], "names <token>, which no step before it keeps"),
        ([{"name": "a", "url": "{shop}/", "keep": {"x": "token"}}], "'token' is no part of an answer"),
        ([{"name": "a", "url": "{shop}/", "json": {}, "form": {}}], "a request has one body"),
        ([{"name": "a", "url": "{shop}/", "keeps": {}}], "unknown key"),
    ],
)
def test_a_journey_that_cannot_be_is_wrong_usage(
    world: Make, shop: Server, steps: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        journey(world(), shop, *steps)


# -- latency ----------------------------------------------------------------------------------------------------------


def latency(world: World, shop: Server, **settings: Any) -> Probe:
    world.values["shop"] = f"http://127.0.0.1:{shop.server_address[1]}"
    return action.probe(world, Action.model_validate({"use": "web.latency", "with": {"url": "{shop}/", **settings}}))


def test_the_percentile_is_told_and_judged(world: Make, shop: Server) -> None:
    probe = latency(world(), shop, at_most="5 s", requests=20)
    assert probe.describe().endswith("answers 200 within 2 s; P95 at most 5 s")
    reading = probe.read()
    assert reading.ok, reading.value
    assert reading.value.startswith("P95 of 20 requests is ")
    assert reading.data["answered"] == 20
    assert latency(world(), shop, at_most="0 s", requests=5).read().ok is False


def test_a_few_failures_are_borne_and_more_end_it(world: Make, shop: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = subject.ask, []

    def failing(every: int) -> Callable[..., Any]:
        def ask(world: World, request: Any) -> Any:
            asked.append(request)
            return Answer(503, 0.001) if len(asked) % every == 0 else real(world, request)

        return ask

    monkeypatch.setattr(subject, "ask", failing(20))
    assert latency(world(), shop, at_most="5 s", requests=20).read().ok
    asked.clear()
    monkeypatch.setattr(subject, "ask", failing(2))
    reading = latency(world(), shop, at_most="5 s", requests=20).read()
    assert (reading.ok, reading.value, len(asked)) == (False, "2 × HTTP 503 in 4 requests", 4)
