"""PostgreSQL without a cloud around it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.clock import SystemClock
from drillbook.embedded.planes import CloudState
from drillbook.embedded.postgres.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Not below pytest's directory, which is closed to the account that root's databases run as."""
    scratch = Path(tempfile.mkdtemp(prefix="drillbook-test-pg-"))
    made = Engine(CloudState("111122223333", "http://127.0.0.1:1", 100, SystemClock(), scratch))
    yield made
    made.close()
    shutil.rmtree(scratch)
