"""One embedded cloud for all tests of this folder. Name your resources after your test: nothing is reset in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from drillbook.embedded import process
from drillbook.embedded.process import Cloud

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


def client_of(cloud: Cloud, service: str, region: str = REGION) -> Any:
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=cloud.endpoint,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
    )
