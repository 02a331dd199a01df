"""Servers that are killed leave nothing in the machine's shared memory, of which there is little."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from drillbook.embedded.postgres import processes, shared_memory
from drillbook.embedded.postgres.engine import Engine
from drillbook.embedded.sweep import remove

Segment = tuple[int, int]


def segment_of(data: Path) -> Segment:
    found = shared_memory._segment(data)
    assert found is not None
    assert found in shared_memory._segments()
    return found


def test_a_server_that_is_killed_leaves_no_segment(engine: Engine) -> None:
    server = engine.create("killed").start()
    segment = segment_of(server.data)
    server.kill()
    assert segment not in shared_memory._segments()


def test_a_server_that_crashed_and_starts_again_leaves_no_segment(engine: Engine) -> None:
    server = engine.create("crashed").start()
    segment = segment_of(server.data)
    server.crash()
    server.start()
    assert segment not in shared_memory._segments() - {segment_of(server.data)}
    engine.discard(server)


def test_the_directory_of_a_killed_cloud_is_removed_with_its_segments(engine: Engine, tmp_path: Path) -> None:
    server = engine.create("orphan").start()
    segment = segment_of(server.data)
    shutil.copytree(server.home, tmp_path / "cloud", ignore=shutil.ignore_patterns(".s.*", "pg_wal", "base"))
    processes.kill(server.pid or 0)
    remove(tmp_path / "cloud")
    assert segment not in shared_memory._segments()
    engine.discard(server)


@pytest.mark.parametrize("pidfile", ["", "1\n", "\n" * 6 + "no numbers\n"])
def test_a_file_that_names_no_segment_is_no_error(tmp_path: Path, pidfile: str) -> None:
    (tmp_path / "postmaster.pid").write_text(pidfile)
    shared_memory.release(tmp_path)
    assert shared_memory._segment(tmp_path) is None


def test_a_segment_is_not_freed_by_its_id_alone(engine: Engine, tmp_path: Path) -> None:
    server = engine.create("neighbour").start()
    key, number = segment_of(server.data)
    (tmp_path / "postmaster.pid").write_text("\n" * 6 + f"{key + 1} {number}\n")
    shared_memory.release(tmp_path)
    assert (key, number) in shared_memory._segments()
    engine.discard(server)
