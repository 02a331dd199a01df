"""Doors and links: what a client and a standby meet."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import psycopg
import pytest

from drillbook.clock import SystemClock
from drillbook.embedded.postgres.door import Door
from drillbook.embedded.postgres.engine import Engine
from drillbook.embedded.postgres.link import Link
from drillbook.embedded.postgres.roles import create_master
from drillbook.embedded.postgres.server import Server

clock = SystemClock()


@pytest.fixture(scope="module")
def server(engine: Engine) -> Iterator[Server]:
    made = engine.create("network").start()
    create_master(made, "master", "secret-99", "orders")
    yield made
    engine.discard(made)


@pytest.fixture
def door(engine: Engine, server: Server) -> Iterator[Door]:
    made = Door(engine.network, "127.0.0.1", 0)
    made.lead_to(server.home)
    yield made
    made.close()


def connect(door: Door, **more: object) -> psycopg.Connection[tuple[object, ...]]:
    settings = {"user": "master", "password": "secret-99", "dbname": "orders", "autocommit": True} | more
    return psycopg.connect(host=door.address, port=door.port, connect_timeout=2, **settings)  # type: ignore[arg-type]


def test_a_door_takes_another_port_while_somebody_is_about_to_listen_at_the_wanted_one(engine: Engine) -> None:
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        first = Door(engine.network, "127.0.0.1", bound.getsockname()[1])
        second = Door(engine.network, "127.0.0.1", first.port)
        assert first.port == bound.getsockname()[1]
        assert second.port != first.port
    first.close()
    second.close()


def test_a_door_with_nobody_behind_it_refuses_at_once(door: Door) -> None:
    with connect(door) as connection:
        door.lead_to(None)
        began = clock.monotonic()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
        with pytest.raises(psycopg.OperationalError):
            connect(door)
    assert clock.monotonic() - began < 1.5


def test_a_silent_door_hangs_and_goes_on_when_it_speaks_again(door: Door) -> None:
    with connect(door) as connection:
        door.be_silent(True)
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            connect(door)
        door.be_silent(False)
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_taken_port_is_replaced_by_a_free_one(engine: Engine, door: Door) -> None:
    other = Door(engine.network, door.address, door.port)
    assert other.port != door.port
    other.close()


def test_nobody_logs_in_without_the_password(door: Door) -> None:
    for user in ("rdsadmin", "master"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(door, user=user, password="guessed-00", dbname="postgres")


def test_a_link_delays_what_a_standby_gets_and_a_cut_drops_it(engine: Engine, server: Server) -> None:
    link = Link(engine.network, engine.folder("links", "test"), engine.account, 0.2)
    link.lead_to(server.home)
    standby = engine.copy_of(server, "delayed")
    standby.follow(link.folder, "delayed")
    standby.start()
    streaming = (
        "select count(*) > 0 from pg_stat_replication where application_name = 'delayed' and state = 'streaming'"
    )
    server.await_sql("the standby", streaming)
    began = clock.monotonic()
    server.query("create table arrived ()")
    standby.await_sql("the change", "select to_regclass('arrived') is not null")
    assert clock.monotonic() - began >= 0.2
    server.query("create table dropped ()")
    link.cut()
    standby.promote()
    assert standby.query("select to_regclass('dropped')") == [(None,)]
    standby.query("create table writable ()")
    engine.discard(standby)
    link.close()
