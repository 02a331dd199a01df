"""Each drill on the embedded target begins in a cloud of its own, with what a stand-up made once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from drillbook import service as services
from drillbook import targets
from drillbook.aws.recovery import parameter
from drillbook.aws.session import session_of
from drillbook.clock import SystemClock
from drillbook.drill_record import Conditions
from drillbook.embedded import process, slots
from drillbook.errors import Refused
from drillbook.events import EventKind, EventStream
from drillbook.heal import heal
from drillbook.journal import Journal
from drillbook.liveness import birth_of
from drillbook.targets import embedded, truth
from drillbook.targets.clouds import Clouds, Wanted
from drillbook.world import World

clock = SystemClock()
SERVICE = dedent(
    """\
    service: ledger
    regions: {primary: eu-west-1}
    targets: {embedded: {stand_up: "stack.py:stand_up", values: {mine: "{workdir}/mine"}}}
    objectives: {rto: 30 s}
    needs: [s3.replication]
    front_door:
      url: "{front_door}"
      write: {method: POST, path: /notes}
      read: {method: GET, path: "/notes/{key}", version: $.text}
    """
)
STACK = dedent(
    """\
    from drillbook.aws.session import session_of


    def stand_up(world):
        parameters = session_of(world).client("ssm")
        parameters.put_parameter(Name="/ledger/state", Value="as stood up", Type="String", Overwrite=True)
        return {"front_door": world.fill("http://ledger.example.com:{port}")RETURNED}
    """
)


class Opened:
    """Worlds of one service, one after another."""

    def __init__(self, root: Path, journal: Journal) -> None:
        self.root, self.events, state = root, EventStream(clock), root / ".drillbook"
        self.place = targets.Place(state, "run-1", clock, self.events, journal, Clouds(state))
        self.folder = root / "drills/ledger"
        self.folder.mkdir(parents=True)
        (self.folder / "service.yaml").write_text(SERVICE)
        self.returning("")

    def returning(self, more: str) -> None:
        """Have stand-up return this, too: an item of a dictionary, with a comma before it."""
        (self.folder / "stack.py").write_text(STACK.replace("RETURNED", more))

    def world(self) -> World:
        world = targets.open_world(services.load(self.folder / "service.yaml"), "embedded", self.place)
        targets.stand_up(world)
        return world

    def notes(self) -> str:
        return " ".join(event.name for event in self.events.events if event.kind is EventKind.NOTE)

    def saved(self) -> list[Path]:
        return list((self.root / ".drillbook/worlds").glob("*.world"))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    with Journal(tmp_path / ".drillbook/journal.sqlite3") as journal:
        found = Opened(tmp_path, journal)
        yield found
        if found.place.clouds:
            found.place.clouds.close()
    assert not slots.living(tmp_path / ".drillbook")


def never(_: object) -> None:
    raise AssertionError("the service was stood up again")


def over(world: World) -> None:
    world.close()
    targets.remove_workdir(world.address)
    world.leave()


def clouds_of(world: World) -> tuple[process.Cloud, Path]:
    slot = Path(str(world.address["state"]))
    cloud = process.find(slot)
    assert cloud is not None
    return cloud, slot


def state_of(world: World, new: str = "") -> str:
    parameters = session_of(world).client("ssm")
    if new:
        parameters.put_parameter(Name="/ledger/state", Value=new, Type="String", Overwrite=True)
    value: str = parameters.get_parameter(Name="/ledger/state")["Parameter"]["Value"]
    return value


def test_nothing_of_a_drill_reaches_the_next_one_which_needs_no_stand_up(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened.world()
    monkeypatch.setattr(embedded.service_actions, "stand_up", never)
    assert state_of(first, "as the first drill left it") == "as the first drill left it"
    cloud, slot = clouds_of(first)
    over(first)
    second = opened.world()
    assert state_of(second) == "as stood up"
    assert second.address["cloud"] != first.address["cloud"]
    assert second.values["front_door"] == f"http://ledger.example.com:{second.values['port']}"
    assert second.values["mine"] == f"{second.workdir}/mine"
    over(second)
    assert opened.place.clouds is not None
    opened.place.clouds.close()
    assert birth_of(cloud.pid) is None
    assert not slot.exists()


@pytest.mark.slow
def test_a_damaged_world_is_made_anew_and_that_is_said(opened: Opened) -> None:
    over(opened.world())
    (saved,) = opened.saved()
    saved.write_bytes(saved.read_bytes()[:2000])
    world = opened.world()
    assert state_of(world) == "as stood up"
    assert "the saved world cannot be used, so it is made anew" in opened.notes()
    over(world)
    assert len(opened.saved()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "what"), [(', "run": world.run_id', "{run}"), (', "folder": str(world.workdir / "x")', "{folder}")]
)
def test_what_belongs_to_one_drill_alone_is_not_kept(opened: Opened, more: str, what: str) -> None:
    opened.returning(more)
    over(opened.world())
    assert opened.saved() == []
    assert f"the world is not kept for other drills: {what}" in opened.notes()


@pytest.mark.slow
def test_data_takes_as_long_between_the_services_regions_as_its_file_says(opened: Opened) -> None:
    text = SERVICE.replace("{primary: eu-west-1}", "{primary: eu-west-1, dr: af-south-1}")
    (opened.folder / "service.yaml").write_text(text.replace("embedded: {", "embedded: {lag: {dynamodb: 1500 ms}, "))
    first = opened.world()
    assert process.status(clouds_of(first)[0])["links"] == {"dynamodb:af-south-1|eu-west-1": 1.5}
    over(first)


def test_truth_is_asked_for_once_a_world(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(
        truth, "run", lambda _, needs: asked.append(needs) or [truth.Truth(one, True, "", 0.0) for one in needs]
    )
    for _ in range(2):
        world = opened.world()
        assert targets.missing_capabilities(world, ["s3.replication"]) == {}
        over(world)
    assert asked == [["s3.replication"], []]


@pytest.mark.slow
def test_what_could_not_be_healed_in_one_drills_cloud_stops_no_other_drill_and_can_still_be_healed(
    opened: Opened,
) -> None:
    first, journal = opened.world(), opened.place.journal
    parameter.repoint(first, "/ledger/state", "broken")
    state = opened.place.state
    conditions = Conditions(opened.root, opened.root, journal)
    conditions.refuse_if_open(own_cloud=targets.gives_own_cloud("embedded", state))
    opened.place = replace(opened.place, run_id="run-2")
    second = opened.world()
    journal.begin("run-2", service_file=str(second.service.path), target=second.address, clock=clock)
    assert state_of(second) == "as stood up"
    found = heal(journal, lambda entry: targets.connect(entry, place=opened.place), clock, opened.events)
    assert found.ok
    assert state_of(first) == "as stood up"
    over(second), over(first)


@pytest.mark.slow
def test_who_would_drill_in_a_shared_cloud_is_refused_for_any_open_change(opened: Opened) -> None:
    first, state = opened.world(), opened.place.state
    parameter.repoint(first, "/ledger/state", "broken")
    conditions = Conditions(opened.root, opened.root, opened.place.journal)
    by_hand = process.start(state, owner=os.getpid())
    try:
        for target in ("embedded", "local", "aws"):
            with pytest.raises(Refused, match="are open"):
                conditions.refuse_if_open(own_cloud=targets.gives_own_cloud(target, state))
    finally:
        process.stop(by_hand)
    over(first)


@pytest.mark.slow
def test_a_cloud_started_by_hand_is_used_as_it_is(opened: Opened) -> None:
    state = opened.root / ".drillbook"
    by_hand = process.start(state, owner=os.getpid())
    try:
        world = opened.world()
        assert world.address == world.address | {"cloud": by_hand.id, "state": str(state)}
        over(world)
        assert process.find(state) == by_hand
        assert opened.saved() == []
    finally:
        process.stop(by_hand)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def clouds(state: Path) -> Iterator[Callable[..., Clouds]]:
    made: list[Clouds] = []

    def make(**options: bool) -> Clouds:
        made.append(Clouds(state, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
    assert not slots.living(state)
    assert not list(state.glob("spares/*"))


@pytest.mark.slow
def test_the_cloud_that_was_expected_is_taken_over_and_another_one_is_not(clouds: Callable[..., Clouds]) -> None:
    supply = clouds()
    wanted = Wanted("111122223333")
    supply.expect(wanted)
    supply.expect(wanted)
    spare = supply.open(wanted)
    assert spare.cloud.account == "111122223333"
    supply.expect(Wanted("444455556666"))
    other = supply.open(wanted)
    assert other.cloud.id != spare.cloud.id
    assert other.cloud.account == "111122223333"
    for lodging in (spare, other):
        supply.leave(lodging)


@pytest.mark.slow
def test_the_last_cloud_lives_on_if_it_is_to_be_kept(clouds: Callable[..., Clouds], state: Path) -> None:
    supply = clouds(keep=True)
    lodgings = [supply.open(Wanted("111122223333")) for _ in range(2)]
    for lodging in lodgings:
        supply.leave(lodging)
    supply.close()
    ((_, kept),) = slots.living(state)
    try:
        assert kept == lodgings[1].cloud
        assert process.status(kept)["owners"] == [os.getpid()]
    finally:
        process.stop(kept)


def test_directories_of_clouds_whose_process_is_gone_are_removed_and_others_stay(
    clouds: Callable[..., Clouds], state: Path
) -> None:
    gone, ours = state / "clouds/999999999-abc", state / "clouds" / f"{os.getpid()}-abc"
    for slot in (gone, ours):
        slot.mkdir(parents=True)
    clouds()
    assert not gone.exists()
    assert ours.exists()


@pytest.mark.slow
def test_the_next_drill_is_expected_with_its_world_as_soon_as_there_is_one(opened: Opened) -> None:
    state = opened.root / ".drillbook"
    service = services.load(opened.folder / "service.yaml")
    assert embedded.wanted_by(service, state, clock) == Wanted("111122223333", None)
    over(opened.world())
    assert embedded.wanted_by(service, state, clock).world == opened.saved()[0]
