"""The lock names every dependency with a hash, and no index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
LOCKS = ["constraints.txt", "constraints-lint.txt"]


def _name(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _locked(lock: str) -> set[str]:
    lines = (REPOSITORY / lock).read_text().splitlines()
    return {_name(line) for line in lines if re.match(r"[a-z0-9]", line)}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host(lock: str) -> None:
    text = (REPOSITORY / lock).read_text()
    assert "://" not in text
    assert not re.search(r"--(index-url|extra-index-url|find-links|trusted-host)", text)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_has_a_hash(lock: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (REPOSITORY / lock).read_text().strip())
    assert len(blocks) > 10
    for block in blocks:
        assert re.match(r"[a-z0-9-]+(\[[a-z]+\])?==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


def test_everything_that_running_and_testing_need_is_locked() -> None:
    wanted = {_name(need) for need in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["test"]}
    assert wanted - _locked("constraints.txt") == set()


def test_everything_that_the_linters_need_is_locked() -> None:
    assert {_name(need) for need in PROJECT["dependency-groups"]["lint"]} - _locked("constraints-lint.txt") == set()
