"""What is done to one instance while failure domains change, without any database."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from drillbook.embedded.domains import Domains, Failures
from drillbook.embedded.rds.worker import Worker

HERE = "eu-west-1"
DARK = Failures(regions=frozenset({HERE}))


class Instance(Worker):
    """One in ``HERE`` that is told of nothing, as if other planes were told first."""

    def __init__(self) -> None:
        self.domains, self.failures = Domains(), list[str]()
        estate = SimpleNamespace(cloud=SimpleNamespace(domains=self.domains), note=self._note)
        super().__init__(cast(Any, estate), SimpleNamespace(db_instance_identifier="one", status="available"))

    @property
    def hindered(self) -> bool:
        return self.domains.now.dark(HERE)

    def at(self, work: Callable[[], None]) -> str:
        """The status while ``work``, which has begun, is not done: once it has been tried."""
        self.begin("creating", work)
        return self.tried()

    def tried(self) -> str:
        self.behind_the_scenes(lambda: None).result()
        return str(self.instance.status)

    def _note(self, what: str, error: Exception) -> None:
        self.failures.append(f"{what}: {error}")


def test_what_fails_in_the_dark_is_taken_up_although_the_light_is_back_before_it_has_failed() -> None:
    one, tries = Instance(), [0]

    def work() -> None:
        tries[0] += 1
        if tries[0] == 1:
            one.domains.heal()
            raise RuntimeError("no power")

    one.domains.become(DARK)
    assert one.at(work) == "creating"
    one.behind_the_scenes(one.take_up)
    assert (one.tried(), tries, one.failures) == ("available", [2], [])


def test_what_is_interrupted_is_not_tried_before_somebody_takes_it_up() -> None:
    one, tries = Instance(), [0]

    def work() -> None:
        tries[0] += 1
        one.domains.become(DARK)
        one.domains.heal()
        raise RuntimeError("the server was killed")

    one.at(work)
    assert (one.tried(), tries) == ("creating", [1])


def test_what_fails_while_nothing_changes_has_failed() -> None:
    one = Instance()

    def work() -> None:
        raise RuntimeError("a bug")

    assert one.at(work) == "failed"
    assert one.failures == ["one: a bug"]
