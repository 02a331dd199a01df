"""HTTP probes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from drillbook.errors import ProbeError
from drillbook.service_model import HttpRequest
from drillbook.web.request import expectation, send
from drillbook.world import World

Make = Callable[..., World]


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/slow":
            threading.Event().wait(3)
        status = int(self.path[1:]) if self.path[1:].isdigit() else 200
        body = f"hello {self.headers.get('X-Colour', '')}".encode()
        self.send_response(status)
        self.send_header("Location", "/200")
        if self.path != "/drip":
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.end_headers()
        for _ in range(30):
            self.wfile.write(b".")
            self.wfile.flush()
            threading.Event().wait(0.1)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what we ask for."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = Server(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@contextmanager
def silence() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_the_answer_asked_for_is_ok(world: Make, url: str) -> None:
    reading = send(world(), HttpRequest(url=f"{url}/200", contains="hello"))
    assert (reading.ok, reading.value) == (True, "HTTP 200")
    assert reading.data["seconds"] > 0


@pytest.mark.parametrize(("path", "value"), [("/502", "HTTP 502"), ("/404", "HTTP 404"), ("/302", "HTTP 302")])
def test_another_status_is_not_and_redirects_are_not_followed(world: Make, url: str, path: str, value: str) -> None:
    reading = send(world(), HttpRequest(url=url + path))
    assert (reading.ok, reading.value) == (False, value)


def test_another_text_is_not(world: Make, url: str) -> None:
    assert send(world(), HttpRequest(url=f"{url}/200", contains="bye")).value == "HTTP 200 without 'bye'"


def test_placeholders_are_filled_everywhere(world: Make, url: str) -> None:
    there = world()
    there.values |= {"base": url, "colour": "red"}
    assert send(there, HttpRequest(url="{base}/200", headers={"X-Colour": "{colour}"}, contains="{colour}")).ok
    request = HttpRequest.model_validate(
        {"url": "{base}/x", "method": "POST", "json": {"c": "{colour}"}, "status": [201], "contains": '"red"'}
    )
    assert send(there, request).ok


@pytest.mark.parametrize("path", ["/slow", "/drip"])
def test_the_timeout_bounds_the_whole_exchange(world: Make, url: str, path: str) -> None:
    began = time.monotonic()
    reading = send(world(), HttpRequest(url=url + path, timeout=0.4))
    assert time.monotonic() - began < 2
    assert (reading.ok, reading.value) == (False, "no answer within 400 ms")


def test_no_answer_is_a_bad_reading(world: Make) -> None:
    there = world()
    with silence() as port:
        assert send(there, HttpRequest(url=f"http://127.0.0.1:{port}/", timeout=0.2)).value == "no answer within 200 ms"
        assert send(there, HttpRequest(url=f"https://127.0.0.1:{port}/", timeout=0.2)).ok is False
    assert send(there, HttpRequest(url=f"http://127.0.0.1:{port}/")).value == "connection refused"
    assert send(there, HttpRequest(url="http://nothing.invalid/", timeout=5)).value == "name not found"


@pytest.mark.parametrize("url", ["http://[::1", "http://x:99999999/", "{ftp}", "http://a\0b/"])
def test_what_is_no_address_is_a_broken_probe(world: Make, url: str) -> None:
    there = world()
    there.values["ftp"] = "ftp://example.com/"
    with pytest.raises(ProbeError, match="is no address"):
        send(there, HttpRequest(url=url, timeout=1))


def test_a_request_says_what_it_expects() -> None:
    request = HttpRequest(url="{base}/notes", status=(200, 204), contains="x")
    assert expectation(request) == "GET {base}/notes answers 200 or 204 with 'x' within 2 s"
