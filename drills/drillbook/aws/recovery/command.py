"""Deploy by a command of one's own: terraform, cdk, a script. Undone by another command, or said to be for good.

``deploy(world, ["terraform", "apply", "-auto-approve"], done=["terraform", "plan", "-detailed-exitcode"], undo=[…])``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from drillbook.aws.recovery.journalled import make
from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.placeholders import filled, for_people
from drillbook.shell.command import Command, run

if TYPE_CHECKING:
    from drillbook.world import World

PATIENCE = 3600.0


class DeployedByCommandSettings(Settings):
    run: tuple[str, ...]
    done: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    timeout: float = PATIENCE


class DeployedByCommand:
    """Run a command. What it did is undone by ``undo``; without one it stays, and heal has nothing to do.

    What had been deployed before (``done`` said so) is not undone.
    """

    Settings = DeployedByCommandSettings
    settle = 5.0

    def __init__(self, world: World, settings: DeployedByCommandSettings) -> None:
        self._world, self._settings = world, settings

    def describe(self) -> str:
        return f"deploy by {for_people(self._world, ' '.join(self._settings.run[:3]))}"

    def touches(self) -> list[str]:
        return []

    def capture(self) -> Json:
        return {"done": self.is_done()}

    def apply(self, before: Json) -> None:
        if not before["done"]:
            self._carry_out(self._settings.run)

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            self._carry_out(self._settings.undo)
            self._undone = True

    _undone = False

    def restored(self, before: Json) -> bool:
        if before["done"] or not self._settings.undo:
            return True
        return not self.is_done() if self._settings.done else self._undone

    def is_done(self) -> bool:
        """Does ``done`` say so, by exit status 0? Without it nobody knows, and it is done again."""
        return bool(self._settings.done) and run(self._world, self._command(self._settings.done)).ok

    def _carry_out(self, argv: tuple[str, ...]) -> None:
        run(self._world, self._command(argv)).expect_success()

    def _command(self, argv: tuple[str, ...]) -> Command:
        settings = self._settings
        return Command(tuple(filled(self._world, argv)), filled(self._world, settings.env), settings.timeout)


def deploy(
    world: World,
    argv: Sequence[str],
    *,
    done: Sequence[str] = (),
    undo: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    timeout: float = PATIENCE,
) -> None:
    """Run ``argv`` in the service's folder unless ``done`` exits with 0. Words may hold ``{placeholders}``.

    ``timeout``, seconds, bounds each command with all its children. ``undo`` must be right after a half-done run, too.
    Raises PermanentError with the end of what a failing command said; TemporaryError for its exit status 75.
    """
    settings = DeployedByCommandSettings(
        run=tuple(argv), done=tuple(done), undo=tuple(undo), env=dict(env or {}), timeout=timeout
    )
    if not DeployedByCommand(world, settings).is_done():
        make(world, DeployedByCommand, settings)
