"""Moto's EC2 as the embedded cloud imports it knows what moto's own does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from drillbook.embedded import process
from drillbook.embedded.light_regions import _prefix, light_regions

PACKAGES = str(Path(process.__file__).parents[2])
IMPORTED = (
    f"import sys; sys.path.append({PACKAGES!r}); from drillbook.embedded.light_ec2 import import_ec2; import_ec2(); "
)
SAME = """
import boto3
from moto.ec2.models import instance_types
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.utilities.utils import load_resource

session = boto3.Session()
partitions = ("aws", "aws-us-gov", "aws-cn")
regions = [region for partition in partitions for region in session.get_available_regions("ec2", partition)]
assert [region.name for region in RegionsAndZonesBackend.regions] == regions, regions

offerings = instance_types.INSTANCE_TYPE_OFFERINGS
assert sorted(offerings) == ["availability-zone", "availability-zone-id", "region"]
for kind, known in offerings.items():
    assert known.get("nowhere", []) == []
    files = load_resource(f"ec2/resources/instance_type_offerings/{kind}/eu-west-1.json")
    assert len(files) > 100
    assert known["eu-west-1"] == [one | {"LocationType": kind} for one in files]
    assert known.get("eu-west-1") is known["eu-west-1"]
"""
FEW = """
from moto.ec2.models import instance_types
assert not any(dict(known) for known in instance_types.INSTANCE_TYPE_OFFERINGS.values()), "read although nobody asked"
import_ec2()
"""


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED + code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_its_regions_and_instance_types_are_motos() -> None:
    run(SAME)


def test_what_is_offered_where_is_read_when_it_is_asked_for() -> None:
    run(FEW)


@pytest.mark.parametrize("service", ["rds", "dynamodb", "s3", "cloudwatch", "elbv2", "stepfunctions", "iam", "no-such"])
def test_the_regions_of_a_service_are_botos(service: str) -> None:
    for partition in ("aws", "aws-cn"):
        known = boto3.Session().get_available_regions(service, partition)
        with light_regions():
            assert boto3.Session().get_available_regions(service, partition) == known


def test_a_model_need_not_be_read_for_its_regions() -> None:
    assert (_prefix("rds"), _prefix("elbv2"), _prefix("no-such")) == ("rds", "elasticloadbalancing", None)
