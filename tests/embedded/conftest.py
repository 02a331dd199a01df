"""One embedded cloud for all tests of this folder. Name your resources after your test: nothing is reset in between."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drillbook.embedded import process
from drillbook.embedded.process import Cloud
from drillbook.journal_file import JournalFile

REGION = "eu-west-1"


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    running = process.start(tmp_path_factory.mktemp("cloud"), owner=os.getpid(), speed=100)
    yield running
    process.stop(running)


@pytest.fixture(scope="session")
def client(cloud: Cloud) -> Iterator[Callable[..., Any]]:
    """``client(service, region)``: a boto3 client of the cloud that does not try again."""
    made: dict[tuple[str, str], Any] = {}

    def make(service: str, region: str = REGION) -> Any:
        if (service, region) not in made:
            made[service, region] = client_of(cloud, service, region)
        return made[service, region]

    yield make
    for one in made.values():
        one.close()


class OpenJournal:
    """A journal whose one entry is open until ``heal``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        JournalFile(path).close()
        self._do("insert into runs values ('r', 1, '', 's', '{}', '', null)")
        self._do(
            "insert into entries (run_id, what, factory, settings, touches, before, state, settle, at, moved)"
            " values ('r', 'w', 'f', '{}', '[]', 'null', 'applied', 0, '', '')"
        )

    def heal(self) -> None:
        self._do("update entries set state = 'healed'")

    def _do(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(statement)


@pytest.fixture
def open_journal(tmp_path: Path) -> OpenJournal:
    return OpenJournal(tmp_path / "journal.db")


def client_of(cloud: Cloud, service: str, region: str = REGION) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
    )
