"""The way out of a drill's commands: AWS is refused, the rest passes. Real clients, real sockets, all on loopback."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from drillbook.shell.environment import away_from_aws, pointed_at
from drillbook.shell.proxy import Proxy

SECRET = "the-callers-own"


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        said = f"{self.path} {self.headers.get('Proxy-Authorization', '-')}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    running = Proxy({})
    yield running
    running.close()


@pytest.fixture
def environment(proxy: Proxy, tmp_path: Path) -> dict[str, str]:
    """What a command of a drill gets, of a caller who has an account."""
    theirs = {**os.environ, "AWS_ACCESS_KEY_ID": SECRET, "AWS_PROFILE": SECRET, "NO_PROXY": ".amazonaws.com"}
    clean = away_from_aws(theirs, proxy.url, direct=["127.0.0.1"])
    return (
        clean | pointed_at("http://127.0.0.1:9", "111122223333", tmp_path, clean) | {"AWS_DEFAULT_REGION": "us-east-1"}
    )


def ask(proxy: Proxy, url: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_address[1], timeout=5)
    connection.request("GET", url)
    answer = connection.getresponse()
    said = answer.read().decode()
    connection.close()
    return answer.status, said


def test_aws_is_refused_with_a_reason(proxy: Proxy) -> None:
    status, said = ask(proxy, "http://169.254.169.254/latest/meta-data/")
    assert status == 403
    assert "Refused by the egress rail" in said
    assert "169.254.169.254" in said


def test_a_tunnel_to_aws_is_refused(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_address[1], timeout=5)
    connection.set_tunnel("sts.amazonaws.com", 443)
    with pytest.raises(OSError, match="403 Refused by the egress rail"):
        connection.connect()
    connection.close()


def test_plain_requests_pass(proxy: Proxy, server: ThreadingHTTPServer) -> None:
    assert ask(proxy, f"http://127.0.0.1:{server.server_port}/some?thing=1") == (200, "/some?thing=1 -")


def test_tunnels_pass(proxy: Proxy, server: ThreadingHTTPServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.server_address[1], timeout=5)
    connection.set_tunnel("127.0.0.1", server.server_port)
    for path in ("/one", "/two"):
        connection.request("GET", path)
        assert connection.getresponse().read() == f"{path} -".encode()
    connection.close()


def test_the_callers_own_proxy_is_used_with_its_password(server: ThreadingHTTPServer) -> None:
    proxy = Proxy({"http": f"http://user:p%40ss@127.0.0.1:{server.server_port}", "no": "direct.example.com"})
    assert ask(proxy, "http://example.com/") == (200, "http://example.com/ Basic dXNlcjpwQHNz")
    assert ask(proxy, "http://sts.amazonaws.com/")[0] == 403
    proxy.close()


def test_a_host_that_is_not_there_is_told(proxy: Proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert ask(proxy, f"http://127.0.0.1:{port}/")[0] == 502


@pytest.mark.parametrize(
    "nonsense", [b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 70_000, b"CONNECT a:999999 X\r\n\r\n"]
)
def test_nonsense_is_answered_and_the_next_request_is_served(
    proxy: Proxy, server: ThreadingHTTPServer, nonsense: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", proxy.server_address[1]), timeout=5) as client:
        client.sendall(nonsense)
        assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert ask(proxy, f"http://127.0.0.1:{server.server_port}/")[0] == 200


def test_nothing_of_the_callers_account_is_left(environment: dict[str, str]) -> None:
    assert SECRET not in environment.values()
    assert "amazonaws" not in environment["NO_PROXY"]


def test_a_python_subprocess_is_refused_though_it_names_an_endpoint(environment: dict[str, str]) -> None:
    code = (
        "import boto3; boto3.client('sts', region_name='us-east-1', endpoint_url='https://sts.amazonaws.com')"
        ".get_caller_identity()"
    )
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert "Failed to connect to proxy" in ran.stderr


def test_curl_is_refused(environment: dict[str, str]) -> None:
    assert shutil.which("curl"), "every machine that runs these tests has curl"
    ran = subprocess.run(
        ["curl", "-sS", "https://sts.amazonaws.com"], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert "403" in ran.stderr


def test_loopback_needs_no_proxy(environment: dict[str, str], server: ThreadingHTTPServer) -> None:
    code = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    for host in ("127.0.0.1", "localhost"):
        url = f"http://{host}:{server.server_port}/direct"
        away = environment | {"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
        ran = subprocess.run([sys.executable, "-c", code, url], env=away, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == "/direct -"
