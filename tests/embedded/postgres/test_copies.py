"""Copies of data directories, packed or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.embedded.postgres.account import Account
from drillbook.embedded.postgres.copies import copy_tree, is_there, pack, packed, remove, text_in, unpack
from drillbook.errors import TargetError

LABEL = "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n"
account = Account()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    (copy / "base").mkdir(parents=True)
    (copy / "base" / "1").write_bytes(b"page" * 4096)
    (copy / "base").chmod(0o700)
    (copy / "backup_label").write_text(LABEL)
    (copy / "postmaster.pid").write_text("1")
    return copy


@pytest.fixture
def only_packed(copy: Path, tmp_path: Path) -> Path:
    place = tmp_path / "elsewhere" / "copy"
    place.parent.mkdir()
    pack(copy, packed(place), account)
    return place


def assert_whole(copy: Path) -> None:
    assert (copy / "base" / "1").read_bytes() == b"page" * 4096
    assert (copy / "base").stat().st_mode & 0o777 == 0o700


def test_a_copy_of_what_is_packed_is_whole(only_packed: Path, tmp_path: Path) -> None:
    copy_tree(only_packed, tmp_path / "restored", account)
    assert_whole(tmp_path / "restored")
    assert not (tmp_path / "restored" / "postmaster.pid").exists()
    assert not only_packed.exists()


def test_a_copy_of_a_directory_is_whole(copy: Path, tmp_path: Path) -> None:
    copy_tree(copy, tmp_path / "restored", account)
    assert_whole(tmp_path / "restored")


def test_what_is_packed_can_be_packed_again(only_packed: Path, tmp_path: Path) -> None:
    pack(only_packed, tmp_path / "again.tar", account)
    unpack(tmp_path / "again.tar", tmp_path / "restored", account)
    assert_whole(tmp_path / "restored")


def test_a_file_in_it_can_be_read(copy: Path, only_packed: Path, tmp_path: Path) -> None:
    assert text_in(copy, "backup_label") == text_in(only_packed, "backup_label") == LABEL
    assert text_in(copy, "no_file") == text_in(only_packed, "no_file") == text_in(tmp_path / "nowhere", "file") == ""


def test_what_is_removed_is_not_there(copy: Path, only_packed: Path) -> None:
    for one in (copy, only_packed):
        assert is_there(one)
        remove(one)
        assert not is_there(one)
        remove(one)


def test_holes_are_not_written_out(copy: Path, tmp_path: Path) -> None:
    """The archiver's segments are mostly holes, and there is one every few seconds."""
    with (copy / "segment").open("wb") as segment:
        segment.truncate(50_000_000)
    pack(copy, tmp_path / "sparse.tar", account)
    assert (tmp_path / "sparse.tar").stat().st_size < 1_000_000


def test_what_is_not_whole_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "spoilt.tar").write_bytes(b"no tar" * 1000)
    with pytest.raises(TargetError, match="the databases' files") as failed:
        unpack(tmp_path / "spoilt.tar", tmp_path / "restored", account)
    assert "\n" not in str(failed.value)
