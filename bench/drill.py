"""One DynamoDB drill, each time in a cold process, against one running server: drillbook, Chaos Toolkit, raw boto3.

    python bench/drill.py --chaos PATH [--rounds N]

PATH is the ``chaos`` of an environment with chaostoolkit and chaostoolkit-aws. The three take turns in every round.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import boto3

from drillbook.clock import SystemClock
from drillbook.embedded import process

HERE = Path(__file__).parent / "one_table"
clock = SystemClock()


def experiment() -> dict[str, object]:
    def activity(kind: str, name: str, **arguments: str) -> dict[str, object]:
        provider = {"type": "python", "module": "chaos_activities", "func": name, "arguments": arguments}
        return {"type": kind, "name": name, "provider": provider}

    good = activity("probe", "item_is_good", table="products", expected="107")
    names = {"table": "products", "copy": "products-restored"}
    return {
        "title": "a corrupted item is restored from the backup",
        "description": "as bench/one_table/drill.py",
        "steady-state-hypothesis": {"title": "the item is good", "probes": [{**good, "tolerance": True}]},
        "method": [
            activity("action", "corrupt", table="products"),
            activity("action", "restore", **names),
            activity("action", "copy_back", **names),
        ],
        "rollbacks": [activity("action", "remove", copy="products-restored")],
    }


def seed(endpoint: str) -> None:
    dynamodb = boto3.client("dynamodb", endpoint_url=endpoint)
    dynamodb.create_table(
        TableName="products",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    for number in range(25):
        dynamodb.put_item(TableName="products", Item={"id": {"S": f"p{number}"}, "price": {"N": str(100 + number)}})
    dynamodb.create_backup(TableName="products", BackupName="bench")


def seconds(command: list[str], folder: Path) -> float:
    began = clock.monotonic()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    took = clock.monotonic() - began
    if done.returncode:
        raise SystemExit(f"{command} failed: {done.stderr or done.stdout}")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chaos", required=True, help="the chaos command of chaostoolkit's environment")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    os.environ |= {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "bench"}
    os.environ |= {"AWS_DEFAULT_REGION": "eu-west-1", "PYTHONPATH": str(HERE)}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        cloud = process.start(scratch / "cloud", owner=os.getpid(), speed=10_000)
        os.environ |= {"AWS_ENDPOINT_URL": cloud.endpoint, "LOCALSTACK_ENDPOINT": cloud.endpoint}
        seed(cloud.endpoint)
        (scratch / "experiment.json").write_text(json.dumps(experiment()))
        taken: dict[str, list[float]] = {"raw boto3": [], "drillbook": [], "chaos run": []}
        for number in range(options.rounds + 1):
            own = scratch / str(number)
            own.mkdir()
            commands = {
                "raw boto3": [sys.executable, str(HERE / "raw.py")],
                "drillbook": [sys.executable, str(HERE / "drill.py"), str(own)],
                "chaos run": [options.chaos, "--no-version-check", "run", str(scratch / "experiment.json")],
            }
            for what, command in commands.items():
                took = seconds(command, own)
                if number:  # the first round warms the server and the file system
                    taken[what].append(took)
        process.stop(cloud)
    median = {what: statistics.median(each) for what, each in taken.items()}
    for what, value in median.items():
        print(f"{what:10} {value:.3f} s (median of {options.rounds})")
    print(f"drillbook / chaos run: {median['drillbook'] / median['chaos run']:.2f}")
    print(f"drillbook - raw boto3: {median['drillbook'] - median['raw boto3']:.3f} s")


if __name__ == "__main__":
    main()
