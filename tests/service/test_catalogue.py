from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import BaseModel

from drillbook import catalogue
from drillbook.errors import UsageError

from .conftest import REPOSITORY

METHODS = {
    "fault": ("describe", "touches", "capture", "apply", "restore", "restored", "observe"),
    "probe": ("describe", "read"),
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in METHODS for name in catalogue.names(kind)])
def test_every_built_in_is_what_its_kind_must_be(kind: catalogue.Kind, name: str) -> None:
    found = catalogue.resolve(kind, name)
    assert issubclass(found.Settings, BaseModel)
    assert all(callable(getattr(found, method)) for method in METHODS[kind])


@pytest.mark.parametrize("name", catalogue.names("configuration"))
def test_every_description_is_a_function(name: str) -> None:
    assert callable(catalogue.resolve("configuration", name))


def test_every_capability_that_a_service_may_need_has_a_truth_probe() -> None:
    from drillbook.targets import truth

    assert sorted(truth.probes()) == list(catalogue.CAPABILITIES)


def test_an_unknown_built_in_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no built-in fault 'dynamodb.corrupt_item' — did you mean"):
        catalogue.resolve("fault", "dynamodb.corrupt_item")
    for path in ("no.such.module:X", "drillbook.errors:X"):
        with pytest.raises(UsageError, match="cannot be loaded"):
            catalogue.imported(path)


def test_reading_a_service_file_imports_no_client_of_a_cloud() -> None:
    code = (
        "import sys, pathlib; from drillbook import service;"
        f"service.load(pathlib.Path({str(REPOSITORY / 'drills' / 'product-lambda' / 'service.yaml')!r}));"
        "print([name for name in ('boto3', 'botocore', 'moto', 'urllib3', 'rich', 'pytest') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(REPOSITORY / "drills")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
