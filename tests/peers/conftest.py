"""Other emulators, really installed from their locks and really started. Slow; a peer that cannot be had is skipped."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ministack() -> Iterator[str]:
    peers = script("peers")
    endpoints = script("endpoints")
    try:
        peers.bin_of("ministack")
    except peers.CannotMake as error:
        pytest.skip(f"MiniStack cannot be installed here: {error}")
    with endpoints.running("ministack") as url:
        yield url
