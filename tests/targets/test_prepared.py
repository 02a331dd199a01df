"""What stands for a service's world, and when it has to be made anew. Nothing is started here."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from drillbook import service as services
from drillbook.clock import SystemClock
from drillbook.embedded import worlds
from drillbook.embedded.process import Cloud
from drillbook.service import Service
from drillbook.targets import prepared
from drillbook.targets.prepared import AGE, Prepared

clock = SystemClock()
CLOUD = Cloud("an-id", 1, "http://127.0.0.1:4000", 100.0)
THERE = {"endpoint": "http://127.0.0.1:4000", "port": "4000", "resolver": "dns://127.0.0.1:5000?port=4000&speed=100"}
HERE = {"endpoint": "http://127.0.0.1:6000", "port": "6000", "resolver": "dns://127.0.0.1:7000?port=6000&speed=100"}
SERVICE = "service: shop\ntargets: {{embedded: {target}}}\nobjectives: {{rto: 30 s}}\nfront_door: {door}\n"
DOOR = '{url: "{endpoint}", write: {method: POST, path: /}, read: {method: GET, path: /, version: "$.v"}}'


@pytest.fixture(autouse=True)
def _no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "save", lambda _, path: path.write_text("a world"))


def shop(tmp_path: Path, target: str = '{stand_up: "stack.py:stand_up"}') -> Service:
    folder = tmp_path / "drills/shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.py").write_text("def stand_up(world): ...\n")
    (folder / "service.yaml").write_text(SERVICE.format(target=target, door=DOOR))
    return services.load(folder / "service.yaml")


def of(service: Service, state: Path, *, region: str = "eu-west-1", account: str = "111122223333") -> Prepared:
    found = prepared.of(service, state, account=account, region=region, speed=100, clock=clock)
    assert found is not None
    return found


def kept(service: Service, state: Path, given: dict[str, str] | None = None) -> Prepared:
    world = of(service, state)
    world.await_turn(clock)
    assert not world.ready
    world.keep(CLOUD, given or {}, THERE)
    world.release()
    return world


def test_a_world_that_was_kept_is_ready_for_the_next_drill(tmp_path: Path) -> None:
    service = shop(tmp_path)
    assert not of(service, tmp_path / "state").ready
    kept(service, tmp_path / "state")
    assert of(service, tmp_path / "state").ready


def test_workers_share_the_worlds_of_their_repository(tmp_path: Path) -> None:
    service = shop(tmp_path)
    kept(service, tmp_path / "state/workers/gw1")
    assert of(service, tmp_path / "state").ready
    assert of(service, tmp_path / "state/workers/gw0").ready


def test_a_change_of_any_file_of_the_service_asks_for_another_world_and_ends_the_old_one(tmp_path: Path) -> None:
    old = kept(shop(tmp_path), tmp_path / "state")
    (tmp_path / "drills/shop/seed.sql").write_text("one more file")
    service = services.load(tmp_path / "drills/shop/service.yaml")
    assert not of(service, tmp_path / "state").ready
    new = kept(service, tmp_path / "state")
    assert new.file != old.file
    assert {file.name for file in new.file.parent.iterdir()} == {
        f"{new.file.stem}{ending}" for ending in (".world", ".json", ".lock")
    }


def test_the_world_of_a_service_with_a_longer_name_stays(tmp_path: Path) -> None:
    other = tmp_path / "state/worlds" / f"shop-two-{'0' * 16}.world"
    other.parent.mkdir(parents=True)
    other.touch()
    kept(shop(tmp_path), tmp_path / "state")
    assert other.exists()


def test_what_python_compiles_changes_nothing(tmp_path: Path) -> None:
    service = shop(tmp_path)
    before = of(service, tmp_path).file
    cache = tmp_path / "drills/shop/__pycache__"
    cache.mkdir()
    (cache / "stack.cpython-311.pyc").write_bytes(b"compiled")
    assert of(service, tmp_path).file == before


def test_another_region_or_account_has_another_world(tmp_path: Path) -> None:
    service = shop(tmp_path)
    files = {
        of(service, tmp_path).file,
        of(service, tmp_path, region="eu-west-2").file,
        of(service, tmp_path, account="444455556666").file,
    }
    assert len(files) == 3


@pytest.mark.parametrize("target", ["{}", '{stand_up: "stack.py:stand_up", tear_down: "stack.py:stand_up"}'])
def test_what_has_no_world_or_not_only_a_world_is_not_kept(tmp_path: Path, target: str) -> None:
    service = shop(tmp_path, target)
    assert prepared.of(service, tmp_path, account="1", region="", speed=100, clock=clock) is None


@pytest.mark.parametrize("wrong", ["", "no json", "[]", '{"given": {}}'])
def test_a_world_whose_note_cannot_be_read_is_made_anew(tmp_path: Path, wrong: str) -> None:
    service = shop(tmp_path)
    kept(service, tmp_path).file.with_suffix(".json").write_text(wrong)
    assert not of(service, tmp_path).ready


def test_a_world_of_yesterday_is_made_anew(tmp_path: Path) -> None:
    service = shop(tmp_path)
    file = kept(service, tmp_path).file
    old = clock.now().timestamp() - AGE - 1
    os.utime(file, (old, old))
    assert not of(service, tmp_path).ready


def test_what_stand_up_returned_is_moved_to_the_cloud_that_it_is_in_now(tmp_path: Path) -> None:
    given = {
        "front_door": "http://127.0.0.1:4000/_aws/execute-api/abc/v1",
        "shop": "http://shop.example.com:4000/",
        "names": THERE["resolver"],
        "count": "4000",
        "other": "http://127.0.0.1:40001/",
    }
    moved = kept(shop(tmp_path), tmp_path, given).given(HERE)
    assert moved == {
        "front_door": "http://127.0.0.1:6000/_aws/execute-api/abc/v1",
        "shop": "http://shop.example.com:6000/",
        "names": HERE["resolver"],
        "count": "4000",
        "other": "http://127.0.0.1:40001/",
    }


def test_what_was_found_true_is_remembered_with_the_world(tmp_path: Path) -> None:
    service = shop(tmp_path)
    first = kept(service, tmp_path)
    assert first.unproven({"dynamodb.pitr", "lambda.invoke"}) == {"dynamodb.pitr", "lambda.invoke"}
    first.proven(["lambda.invoke"])
    assert of(service, tmp_path).unproven({"dynamodb.pitr", "lambda.invoke"}) == {"dynamodb.pitr"}
    of(service, tmp_path).discard()
    assert of(service, tmp_path).unproven({"lambda.invoke"}) == {"lambda.invoke"}


def test_what_stand_up_returned_is_for_this_users_eyes_only(tmp_path: Path) -> None:
    file = kept(shop(tmp_path), tmp_path).file.with_suffix(".json")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_one_makes_the_world_and_who_came_second_finds_it_made(tmp_path: Path) -> None:
    service = shop(tmp_path)
    first, second = of(service, tmp_path), of(service, tmp_path)
    first.await_turn(clock)
    waiting = threading.Thread(target=second.await_turn, args=[clock])
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive(), "two make the same world"
    first.keep(CLOUD, {"a": "b"}, THERE)
    first.release()
    waiting.join(10)
    assert second.given(THERE) == {"a": "b"}


def test_who_gives_up_lets_the_next_one_make_it(tmp_path: Path) -> None:
    service = shop(tmp_path)
    first, second = of(service, tmp_path), of(service, tmp_path)
    first.await_turn(clock)
    first.release()
    second.await_turn(clock)
    assert not second.ready
    second.release()


def test_a_cloud_of_other_code_has_another_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service = shop(tmp_path)
    before = of(service, tmp_path).file
    stamp = prepared.world_stamp.stamp_of("111122223333", 100)
    monkeypatch.setattr(prepared.world_stamp, "stamp_of", lambda *_: replace(stamp, moto="another"))
    assert of(service, tmp_path).file != before
