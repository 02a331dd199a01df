from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook import liveness
from drillbook.liveness import Process, birth_of, this_process


def test_this_process_is_alive_and_is_this_one() -> None:
    assert this_process().alive
    assert this_process().is_this_one


def test_a_parent_is_alive_and_another_one() -> None:
    parent = Process(os.getppid(), birth_of(os.getppid()) or "")
    assert parent.alive
    assert not parent.is_this_one


def test_a_process_that_has_ended_is_dead_before_and_after_it_is_reaped() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert birth_of(child.pid) is None
    child.wait()
    assert birth_of(child.pid) is None


def test_a_command_name_with_parentheses_and_spaces_is_read(tmp_path: Path) -> None:
    odd = tmp_path / "a) R (b"
    odd.symlink_to(sys.executable)
    with subprocess.Popen([odd, "-c", "input()"], stdin=subprocess.PIPE) as child:
        birth = birth_of(child.pid)
        child.communicate()
    assert birth is not None
    assert birth.rpartition("/")[2].isdigit()


@pytest.mark.parametrize(
    ("line", "birth"),
    [
        ("Ss   Sun Nov 22 11:58:25 2026", "Sun Nov 22 11:58:25 2026"),
        ("Z+   Sun Nov 22 11:58:25 2026", None),
        ("", None),
    ],
)
def test_where_there_is_no_proc_ps_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, birth: str | None
) -> None:
    ps = tmp_path / "ps"
    ps.write_text(f"#!/bin/sh\necho '{line}'\n")
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(liveness, "_BOOT", tmp_path / "none")
    assert birth_of(4711) == birth
