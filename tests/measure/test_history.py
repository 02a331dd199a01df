from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.clock import VirtualClock
from drillbook.errors import EvidenceError
from drillbook.measure.history import FOREIGN, HistoryWriter, Kind, Op, Res, read, tail

OPS = [
    Op(0, Kind.INSERT, "k1", 1, 0.0, 0.001, 0.002, Res.OK, "HTTP 201"),
    Op(1, Kind.READ, "k1", 1, 0.05, 0.051, 0.052, Res.OK, "HTTP 200", 1),
    Op(2, Kind.PROBE, "", 0, 0.1, 0.101, 2.101, Res.INFO, "no answer within 2 s"),
]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("history") / "history.jsonl"
    writer = HistoryWriter(path, {"run": "t", "rate": 20}, VirtualClock())
    for op in OPS:
        writer.op(op)
    writer.end()
    return path


def test_what_was_written_is_read(written: Path) -> None:
    history = read(written)
    assert list(history.ops) == OPS
    assert history.ended
    assert not history.torn
    assert history.header["settings"] == {"run": "t", "rate": 20}
    assert history.header["clock"]["utc"] == "2026-01-01T00:00:00.000Z"


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_any_changed_byte_is_found(
    written: Path, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(written.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
    changed = written.with_name("changed.jsonl")
    changed.write_bytes(content)
    with pytest.raises(EvidenceError):
        read(changed)


@pytest.mark.parametrize("line", [0, 1, 2, 3])
def test_a_removed_line_is_found(written: Path, tmp_path: Path, line: int) -> None:
    lines = written.read_text().splitlines(keepends=True)
    changed = tmp_path / "h.jsonl"
    changed.write_text("".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(EvidenceError, match=rf"h\.jsonl:{line + 1} "):
        read(changed)


def test_swapped_lines_are_found(written: Path, tmp_path: Path) -> None:
    lines = written.read_text().splitlines(keepends=True)
    changed = tmp_path / "h.jsonl"
    changed.write_text("".join([lines[0], lines[2], lines[1], *lines[3:]]))
    with pytest.raises(EvidenceError, match="was changed"):
        read(changed)


def test_a_history_without_its_end_says_so(written: Path, tmp_path: Path) -> None:
    killed = tmp_path / "h.jsonl"
    killed.write_text("".join(written.read_text().splitlines(keepends=True)[:-1]))
    assert not read(killed).ended


def test_a_torn_last_line_is_an_error_but_not_for_the_living(written: Path, tmp_path: Path) -> None:
    torn = tmp_path / "h.jsonl"
    torn.write_bytes(written.read_bytes()[:-100])
    with pytest.raises(EvidenceError, match="is cut short"):
        read(torn)
    history = read(torn, live=True)
    assert history.torn
    assert list(history.ops) == OPS[: len(history.ops)]


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"\xff\n", b'{"history":1,"h":"00"}\n'])
def test_what_is_no_history_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "h.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvidenceError) as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_missing_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        read(tmp_path / "none.jsonl")


def test_a_history_is_never_overwritten(written: Path) -> None:
    with pytest.raises(FileExistsError):
        HistoryWriter(written, {}, VirtualClock())


def test_the_tail_gives_each_operation_once(tmp_path: Path) -> None:
    path = tmp_path / "h.jsonl"
    assert tail(path, 0) == ([], 0)
    with HistoryWriter(path, {}, VirtualClock()) as writer:
        writer.op(OPS[0])
        first, offset = tail(path, 0)
        writer.op(OPS[1])
        with path.open("ab") as file:
            file.write(b'{"half a li')
        second, offset = tail(path, offset)
        assert (first, second, tail(path, offset)[0]) == ([OPS[0]], [OPS[1]], [])


@pytest.mark.parametrize(
    ("ver", "seen", "stale"),
    [(2, 2, False), (2, 1, True), (2, 0, True), (2, FOREIGN, True), (0, 0, False), (0, 3, True)],
)
def test_a_read_is_stale_when_it_shows_less_than_was_acknowledged(ver: int, seen: int, stale: bool) -> None:
    assert Op(0, Kind.READ, "k", ver, 0, 0, 0, Res.OK, seen=seen).stale is stale
