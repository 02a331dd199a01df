from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.clock import VirtualClock
from drillbook.errors import Refused
from drillbook.events import EventKind, EventStream
from drillbook.journal import Journal
from drillbook.objective import Basis
from drillbook.rails import (
    AccountRail,
    BlastRadiusRail,
    EndpointRail,
    GoRail,
    Holder,
    JournalRail,
    Rail,
    RegionRail,
    TagRail,
    TimeBox,
    host_of,
    is_aws,
    is_loopback,
)
from drillbook.safeguard import Rails
from drillbook.service_model import Rails as Settings
from drillbook.world import World

SANDBOX, OTHER = "111122223333", "444455556666"


def refused(rail: Rail) -> str:
    with pytest.raises(Refused) as caught:
        rail.check()
    assert caught.value.rail == rail.name
    assert caught.value.do
    return str(caught.value)


def account(*allowed: str, holder: Holder, real: bool = True) -> AccountRail:
    return AccountRail(allowed, lambda: holder, real=real)


# -- dry run ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "go"), [("embedded", False), ("localstack", False), ("local", False), ("aws", True)]
)
def test_what_is_not_real_or_was_confirmed_may_go(target: str, go: bool) -> None:
    assert GoRail(target, go).check().startswith(f"the target is {target}")


def test_a_real_account_is_left_alone_without_go() -> None:
    assert "add --go" in refused(GoRail("aws", go=False))


# -- account ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "alias", ["example-sandbox", "example-nonprod", "producer-tests", "reproduction", "example-non-prod", "livery"]
)
def test_a_listed_account_with_an_alias_that_is_not_production_is_allowed(alias: str) -> None:
    assert account(SANDBOX, holder=Holder(SANDBOX, alias)).check() == (
        f"{SANDBOX} is allowed, and its alias {alias!r} does not say production"
    )


def test_an_account_that_is_not_listed_is_refused() -> None:
    assert f"are of account {OTHER}; allowed: {SANDBOX}" in refused(account(SANDBOX, holder=Holder(OTHER, "sandbox")))


def test_without_a_list_no_account_is_allowed() -> None:
    assert "no account is allowed" in refused(account(holder=Holder(SANDBOX, "sandbox")))


@pytest.mark.parametrize(
    "alias", ["prod", "example-prod", "prod_eu", "EXAMPLE-PRODUCTION", "live", "shop.live.eu", "prod-nonprod"]
)
def test_an_alias_with_the_word_production_is_refused_even_if_listed(alias: str) -> None:
    assert f"the alias {alias!r}" in refused(account(SANDBOX, holder=Holder(SANDBOX, alias)))


def test_a_real_account_without_an_alias_is_refused() -> None:
    assert "has no alias that we may read" in refused(account(SANDBOX, holder=Holder(SANDBOX, None)))


def test_an_emulators_account_needs_no_alias() -> None:
    assert account(SANDBOX, holder=Holder(SANDBOX), real=False).check() == f"{SANDBOX} is allowed"


# -- endpoint ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:4566",
        "http://localhost:4566/x",
        "http://[::1]:4566",
        "http://LOCALHOST.:4566",
        "http://s3.localhost:1",
    ],
)
def test_an_emulator_on_this_machine_is_spoken_to(endpoint: str) -> None:
    assert "this machine" in EndpointRail("embedded", endpoint).check()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://example.com",
        "http://127.0.0.1@example.com/",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://0.0.0.0:4566",
        "http://10.0.0.7:4566",
        "http://2130706433",
        "http://[::ffff:10.0.0.1]",
        "http://[",
        "",
    ],
)
def test_an_emulator_anywhere_else_is_refused(endpoint: str) -> None:
    assert "is not this machine" in refused(EndpointRail("localstack", endpoint))


@pytest.mark.parametrize("target", ["embedded", "localstack", "local"])
@pytest.mark.parametrize(
    "host",
    [
        "dynamodb.eu-west-1.amazonaws.com",
        "STS.AMAZONAWS.COM.",
        "s3.cn-north-1.amazonaws.com.cn",
        "lambda.eu-west-1.api.aws",
    ],
)
def test_aws_is_refused_when_it_is_not_the_target_even_if_listed(target: str, host: str) -> None:
    rail = EndpointRail(target, f"https://{host}", allowed=[f"https://{host}"])
    assert "is AWS, and the target is" in refused(rail)


def test_no_endpoint_would_mean_aws() -> None:
    assert "calls would go to AWS" in refused(EndpointRail("embedded", None))


@pytest.mark.parametrize("listed", ["http://localstack:4566", "localstack", "localstack:4566"])
def test_a_listed_host_is_spoken_to(listed: str) -> None:
    assert "listed" in EndpointRail("localstack", "http://localstack:4566", allowed=[listed]).check()
    refused(EndpointRail("localstack", "http://localstack.example.com:4566", allowed=[listed]))


def test_the_aws_target_speaks_to_aws_alone() -> None:
    assert EndpointRail("aws", None).check() == "AWS's own"
    assert EndpointRail("aws", "https://sts.eu-west-1.amazonaws.com").check()
    assert "is not AWS" in refused(EndpointRail("aws", "http://127.0.0.1:4566"))
    assert "is not AWS" in refused(EndpointRail("aws", "https://evilamazonaws.com"))


@settings(max_examples=100, deadline=None)
@given(st.text("htp:/@.[]0127localhstexmp-%:#?\\ ", max_size=40))
def test_no_text_is_both_this_machine_and_aws_and_none_breaks_the_rail(text: str) -> None:
    host = host_of(text)
    assert not (is_loopback(host) and is_aws(host))
    try:
        EndpointRail("embedded", text).check()
    except Refused:
        assert not is_loopback(host)


# -- region -----------------------------------------------------------------------------------------------------------


def test_the_services_own_regions_are_used() -> None:
    assert RegionRail({"eu-west-1", "af-south-1"}, {"eu-west-1"}).check() == "eu-west-1 allowed"


def test_any_other_region_is_refused() -> None:
    assert "us-east-1 is not allowed; allowed: eu-west-1" in refused(
        RegionRail({"eu-west-1"}, {"us-east-1", "eu-west-1"})
    )


# -- tag --------------------------------------------------------------------------------------------------------------

TAGS = {"arn:a": {"chaos": "allowed", "team": "x"}, "arn:b": {"chaos": "forbidden"}, "arn:c": {}}


def test_tagged_resources_may_be_touched() -> None:
    assert TagRail({"chaos": "allowed"}, ["arn:a"], TAGS.get).check() == "1 resource(s) carry chaos=allowed"


@pytest.mark.parametrize("resource", ["arn:b", "arn:c"])
def test_one_resource_without_the_tag_is_enough_to_refuse(resource: str) -> None:
    assert f"{resource} does not carry chaos=allowed" in refused(
        TagRail({"chaos": "allowed"}, ["arn:a", resource], TAGS.get)
    )


def test_tags_that_cannot_be_told_are_refused() -> None:
    assert "cannot be told" in refused(TagRail({"chaos": "allowed"}, ["arn:unknown"], TAGS.get))


# -- blast radius -----------------------------------------------------------------------------------------------------


def radius(*touches: str, most: int = 2, share: float = 1.0, resources: int = 4) -> BlastRadiusRail:
    return BlastRadiusRail(touches, most, share, resources)


def test_a_fault_within_its_radius_is_allowed() -> None:
    assert radius("a", "b", "b", share=0.5).check() == "2 of at most 2 resource(s), 50% of the service's"


def test_a_fault_that_touches_too_much_is_refused() -> None:
    assert "touches 3 resources; allowed: 2" in refused(radius("a", "b", "c"))
    assert "touches 2 of the 4 resources listed; allowed: 40%" in refused(radius("a", "b", share=0.4))


def test_a_share_of_nobody_knows_what_is_refused() -> None:
    assert "of the 0 resources listed" in refused(radius("a", share=0.5, resources=0))


def test_a_fault_that_does_not_say_what_it_touches_is_refused() -> None:
    assert "does not say what it touches" in refused(radius())


# -- time box ---------------------------------------------------------------------------------------------------------


def test_a_fault_may_stay_for_its_time_and_not_longer() -> None:
    clock = VirtualClock()
    box = TimeBox(60.0, clock, clock.monotonic())
    clock.sleep(59)
    assert box.check() == "1 s of 1 min left"
    clock.sleep(1)
    assert "longer than 1 min" in refused(box)


# -- journal, and all together ----------------------------------------------------------------------------------------


class Touch:
    """A change that only says what it touches."""

    settle = 1.0

    def __init__(self, *touches: str) -> None:
        self._touches = list(touches)

    def describe(self) -> str:
        return "touch"

    def touches(self) -> list[str]:
        return self._touches

    def capture(self) -> None: ...

    def apply(self, before: object) -> None: ...

    def restore(self, before: object) -> None: ...

    def restored(self, before: object) -> bool:
        return True


def world(
    tmp_path: Path,
    target: str = "embedded",
    *,
    endpoint: str | None = "http://127.0.0.1:1",
    rails: dict[str, Any] | None = None,
    regions: tuple[str, ...] = ("eu-west-1",),
    journal: Journal | None = None,
    run_id: str = "run-1",
) -> World:
    clock = VirtualClock()
    place = SimpleNamespace(account=SANDBOX, region=None)
    service = SimpleNamespace(
        path=tmp_path / "service.yaml",
        targets={target: place},
        regions={"primary": "eu-west-1"},
        resources={"table": "products"},
        rails=Settings.model_validate(rails or {}),
    )
    session = SimpleNamespace(account=SANDBOX, endpoint=endpoint, region="eu-west-1", regions=frozenset(regions))
    made = World(target, Basis.EMULATED, cast(Any, service), clock, EventStream(clock), tmp_path, run_id)
    made.aws = None if target == "local" else cast(Any, session)
    made.journal = journal
    return made


def test_all_rails_are_asked_and_what_they_found_is_shown(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        here = world(tmp_path, journal=journal)
        reports = Rails(here).before_start()
    assert [report.rail for report in reports] == ["dry run", "journal", "endpoint", "region", "account"]
    shown = [event.name for event in here.events.events if event.kind is EventKind.NOTE]
    assert shown == [f"{report.rail} rail: {report.checked}" for report in reports]


def test_a_service_that_is_not_on_aws_has_no_account_to_ask_about(tmp_path: Path) -> None:
    assert [report.rail for report in Rails(world(tmp_path, "local")).before_start()] == ["dry run"]


def test_a_real_account_is_asked_who_it_is(tmp_path: Path) -> None:
    real = world(tmp_path, "aws", endpoint=None)
    assert Rails(real, go=True, identify=lambda: Holder(SANDBOX, "example-sandbox")).before_start()
    with pytest.raises(Refused, match="account rail"):
        Rails(real, go=True, identify=lambda: Holder(OTHER, "example-sandbox")).before_start()
    with pytest.raises(Refused, match="dry run rail"):
        Rails(real, identify=lambda: Holder(SANDBOX, "example-sandbox")).before_start()


def test_an_emulator_pointed_at_aws_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="endpoint rail"):
        Rails(world(tmp_path, endpoint="https://sts.amazonaws.com")).before_start()


def test_a_session_that_may_use_a_foreign_region_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="region rail"):
        Rails(world(tmp_path, regions=("eu-west-1", "us-east-1"))).before_start()
    Rails(world(tmp_path, regions=("eu-west-1", "us-east-1"), rails={"regions": ["us-east-1"]})).before_start()


def test_an_open_change_of_another_run_refuses_the_start(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        here = world(tmp_path, journal=journal)
        journal.carry_out(cast(Any, Touch("arn:a")), factory="f", settings={}, world=here)
        assert JournalRail(journal, "run-1").check()
        with pytest.raises(Refused, match="run: drillbook heal"):
            Rails(world(tmp_path, journal=journal, run_id="run-2")).before_start()


def test_an_open_change_in_another_drills_own_cloud_refuses_only_those_without_one(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        here = world(tmp_path, journal=journal)
        here.address = {"target": "embedded", "cloud": "a", "own_cloud": True}
        journal.carry_out(cast(Any, Touch("arn:a")), factory="f", settings={}, world=here)
        there = world(tmp_path, journal=journal, run_id="run-2")
        with pytest.raises(Refused, match="run: drillbook heal"):
            Rails(there).before_start()
        there.address = {"target": "embedded", "cloud": "b", "own_cloud": True}
        assert Rails(there).before_start()


def test_a_fault_is_held_to_the_service_files_radius_and_tag(tmp_path: Path) -> None:
    rails = Rails(world(tmp_path, rails={"tag": {"chaos": "allowed"}, "max_resources": "1"}), tags_of=TAGS.get)
    assert [report.rail for report in rails.before_fault(cast(Any, Touch("arn:a")))] == ["blast radius", "tag"]
    with pytest.raises(Refused, match="tag rail"):
        rails.before_fault(cast(Any, Touch("arn:b")))
    with pytest.raises(Refused, match="blast radius rail"):
        rails.before_fault(cast(Any, Touch("arn:a", "arn:b")))


def test_the_time_box_is_the_service_files(tmp_path: Path) -> None:
    here = world(tmp_path, rails={"time_box": "30 min"})
    box = Rails(here).time_box()
    here.clock.sleep(1799)
    assert box.left == pytest.approx(1)


class Account:
    """A session of a real account, as far as the account rail asks it."""

    endpoint, region, regions, account = None, "eu-west-1", frozenset({"eu-west-1"}), SANDBOX

    def __init__(self, aliases: list[str] | Exception) -> None:
        self._aliases = aliases

    def identity(self) -> Any:
        return SimpleNamespace(account=SANDBOX)

    def client(self, name: str) -> Any:
        assert name == "iam"
        return self

    def list_account_aliases(self) -> Any:
        if isinstance(self._aliases, Exception):
            raise self._aliases
        return {"AccountAliases": self._aliases}


DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListAccountAliases")


@pytest.mark.parametrize(
    ("aliases", "told"),
    [
        (["example-sandbox"], ""),
        (["example-prod"], "says 'prod'"),
        ([], "has no alias that we may read"),
        (DENIED, "has no alias that we may read"),
    ],
)
def test_the_alias_of_a_real_account_is_read_from_the_account(
    tmp_path: Path, aliases: list[str] | Exception, told: str
) -> None:
    real = world(tmp_path, "aws", endpoint=None)
    real.aws = cast(Any, Account(aliases))
    if not told:
        assert Rails(real, go=True).before_start()[-1].checked.endswith("'example-sandbox' does not say production")
        return
    with pytest.raises(Refused, match=told):
        Rails(real, go=True).before_start()
