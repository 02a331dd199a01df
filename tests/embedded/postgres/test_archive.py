"""Recovery to a moment: what comes back is what was committed by then."""

from __future__ import annotations

import itertools
import random
from datetime import datetime

import pytest

from drillbook.embedded.postgres.archive import Archive
from drillbook.embedded.postgres.engine import Engine
from drillbook.embedded.postgres.server import Server

_names = itertools.count()
Image = dict[int, int]


class Kept:
    """A database with an archive, and every commit that was ever made to it."""

    def __init__(self, engine: Engine, seed: int) -> None:
        self._engine, self.random = engine, random.Random(seed)
        self.name = f"archive{next(_names)}"
        self.archive = Archive(engine, engine.folder("backups", self.name))
        self.server = engine.create(self.name)
        self.server.settings["archive_command"] = self.archive.command
        self.server.start()
        self.server.query("create table items (id int primary key, value int)")
        self.archive.back_up(self.server)
        self.history: list[tuple[datetime, Image]] = []

    def write(self, commits: int) -> None:
        """Random inserts, updates and deletes, several in one transaction now and then."""
        now: Image = dict(self.history[-1][1]) if self.history else {}
        with self.server.connect() as admin:
            for _ in range(commits):
                with admin.transaction():
                    xid = admin.execute("select pg_current_xact_id()::xid").fetchone()
                    for _ in range(self.random.randint(1, 3)):
                        key, value = self.random.randint(1, 20), self.random.randint(0, 999)
                        if self.random.random() < 0.3:
                            now.pop(key, None)
                            admin.execute("delete from items where id = %s", (key,))
                        else:
                            now[key] = value
                            admin.execute(
                                "insert into items values (%s, %s) on conflict (id) do update set value = %s",
                                (key, value, value),
                            )
                assert xid is not None
                at = admin.execute("select pg_xact_commit_timestamp(%s::text::xid)", (str(xid[0]),)).fetchone()
                assert at is not None
                self.history.append((at[0], dict(now)))

    def truth(self, moment: datetime) -> Image:
        return next((image for at, image in reversed(self.history) if at <= moment), {})

    def moments(self, count: int) -> list[datetime]:
        """Some between two commits, some exactly at one, and the two ends of what can be restored."""
        assert self.archive.earliest is not None
        assert self.archive.latest is not None
        start, end = self.archive.earliest, self.archive.latest
        between = [start + (end - start) * self.random.random() for _ in range(count)]
        return [*between, self.random.choice(self.history)[0], start, end]

    def restored(self, moment: datetime) -> Image:
        server = self._engine.empty(f"{self.name}-restored")
        self.archive.restore(server, moment)
        found = _image(server)
        self._engine.discard(server)
        return found

    def close(self) -> None:
        self._engine.discard(self.server)
        self.archive.delete()


def _image(server: Server) -> Image:
    return dict(server.query("select id, value from items"))


def check(engine: Engine, seed: int, rounds: int, moments: int) -> None:
    kept = Kept(engine, seed)
    for _ in range(rounds):
        kept.write(kept.random.randint(5, 40))
        if kept.random.random() < 0.4:
            kept.archive.back_up(kept.server)
        else:
            kept.archive.heartbeat(kept.server)
    for moment in kept.moments(moments):
        assert kept.restored(moment) == kept.truth(moment), f"seed {seed}, {moment}"
    kept.close()


def test_what_is_restored_is_the_truth_at_that_moment(engine: Engine) -> None:
    check(engine, seed=1, rounds=3, moments=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 22))
def test_what_is_restored_is_the_truth_at_any_moment(engine: Engine, seed: int) -> None:
    check(engine, seed, rounds=8, moments=10)


def test_a_restored_database_is_writable_and_starts_again(engine: Engine) -> None:
    kept = Kept(engine, seed=0)
    kept.write(3)
    moment = kept.archive.heartbeat(kept.server)
    server = engine.empty("again")
    kept.archive.restore(server, moment)
    server.query("insert into items values (1000, 1)")
    server.stop()
    assert _image(server.start()) == kept.truth(moment) | {1000: 1}
    engine.discard(server)
    kept.close()


def test_the_log_before_the_first_kept_backup_is_forgotten(engine: Engine) -> None:
    kept = Kept(engine, seed=0)
    kept.write(10)
    second = kept.archive.back_up(kept.server)
    kept.write(10)
    latest = kept.archive.heartbeat(kept.server)
    segments = len(list((kept.archive.folder / "log").iterdir()))
    kept.archive.forget_before(latest)
    assert kept.archive.bases == [second]
    assert len(list((kept.archive.folder / "log").iterdir())) < segments
    third = kept.archive.back_up(kept.server)
    assert third.data != second.data
    assert kept.restored(latest) == kept.truth(latest)
    kept.close()


def test_the_history_of_a_promoted_standby_is_one(engine: Engine) -> None:
    kept = Kept(engine, seed=3)
    standby = engine.copy_of(kept.server, "standby")
    standby.settings["archive_command"] = kept.archive.command
    standby.follow(kept.server.home, "standby")
    standby.start()
    kept.server.reload(synchronous_standby_names="standby")
    kept.write(20)
    before = kept.history[9][0]
    lost, kept.server = kept.server, standby
    lost.kill()
    standby.promote()
    kept.write(20)
    latest = kept.archive.heartbeat(standby)
    assert kept.restored(before) == kept.truth(before)
    assert kept.restored(latest) == kept.truth(latest) == kept.history[-1][1]
    engine.discard(lost)
    kept.close()
