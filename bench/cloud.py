"""What an embedded cloud of some size costs: ``python bench/cloud.py``.

Three regions with two databases, five tables, ten functions: how long until it is up, how much memory its processes
hold (proportional share, where the kernel tells), what it uses of a core while nobody calls, and how long saving and
loading that world take. The start of a bare Python that imports moto's server is measured in the same run.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3

from drillbook.embedded import process, worlds
from drillbook.embedded.census import family
from drillbook.embedded.process import Cloud
from drillbook.errors import DrillbookError

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
IDLE = 10.0
TICKS = os.sysconf("SC_CLK_TCK")


def client(cloud: Cloud, service: str, region: str) -> Any:
    keys = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}
    return boto3.session.Session().client(service, region_name=region, endpoint_url=cloud.endpoint, **keys)


def table(cloud: Cloud, number: int) -> None:
    client(cloud, "dynamodb", REGIONS[number % 3]).create_table(
        TableName=f"table-{number}",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
    )


def function(cloud: Cloud, number: int, code: bytes) -> None:
    client(cloud, "lambda", REGIONS[number % 3]).create_function(
        FunctionName=f"function-{number}",
        Runtime="python3.11",
        Handler="main.answer",
        Role="arn:aws:iam::111122223333:role/any",
        Code={"ZipFile": code},
    )


def database(cloud: Cloud, number: int) -> None:
    databases = client(cloud, "rds", REGIONS[number])
    name = f"database-{number}"
    databases.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="bench",
        MasterUserPassword="a-password",
    )
    databases.get_waiter("db_instance_available").wait(DBInstanceIdentifier=name, WaiterConfig={"Delay": 0.1})


def fill(cloud: Cloud) -> None:
    client(cloud, "iam", REGIONS[0]).create_role(RoleName="any", AssumeRolePolicyDocument="{}")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def answer(event, context): return 1")
    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(database, cloud, number) for number in range(2)]
        work += [pool.submit(table, cloud, number) for number in range(5)]
        work += [pool.submit(function, cloud, number, code.getvalue()) for number in range(10)]
    for one in work:
        one.result()


def cpu_seconds(cloud: Cloud) -> dict[int, float]:
    """By process: PostgreSQL's workers come and go."""
    used = {}
    for member in members(cloud):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{member.pid}/stat").read_text().rpartition(")")[2].split()
            used[member.pid] = (int(fields[11]) + int(fields[12])) / TICKS
    return used


def members(cloud: Cloud) -> list[Any]:
    said = process.status(cloud)["planes"].values()
    return family(cloud.pid, *[int(pid) for plane in said for pid in plane.get("pids", ())])


def seconds(act: Any, *arguments: Any) -> float:
    began = time.perf_counter()
    act(*arguments)
    return time.perf_counter() - began


def main() -> None:
    bare = seconds(subprocess.run, [sys.executable, "-c", "import moto.server"])
    print(f"a bare Python that imports moto's server          {bare:7.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        cloud = process.start(Path(folder, "one"), owner=os.getpid())
        print(f"the cloud answers                                 {time.perf_counter() - began:7.2f} s")
        fill(cloud)
        print(f"2 databases, 5 tables, 10 functions, 3 regions up {time.perf_counter() - began:7.2f} s   goal 5")
        alive = members(cloud)
        print(f"memory of {len(alive):3} processes                        "
              f"{sum(one.memory for one in alive) / 2**20:6.0f} MB   goal 800")  # fmt: skip
        before = cpu_seconds(cloud)
        time.sleep(IDLE)
        used = sum(now - before.get(pid, 0) for pid, now in cpu_seconds(cloud).items())
        print(f"idle, of one core                                 {used / IDLE:7.1%}   goal 3%")
        saved(cloud, Path(folder))
        process.stop(cloud)


def saved(cloud: Cloud, folder: Path) -> None:
    world = folder / "bench.world"
    try:
        print(f"save that world                                   {seconds(worlds.save, cloud, world):7.2f} s   goal 1")
    except DrillbookError as error:
        print(f"save that world: {error}")
        return
    fresh = process.start(folder / "two", owner=os.getpid())
    took, size = seconds(worlds.load, fresh, world), world.stat().st_size / 1e6
    print(f"load it ({size:5.1f} MB)                                {took:7.2f} s   goal 1")
    process.stop(fresh)


if __name__ == "__main__":
    main()
