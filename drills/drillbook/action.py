"""An action of a service file, done (``perform``) or looked at (``look``), whichever way it is given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drillbook import catalogue, pythonic, service_code
from drillbook.errors import PermanentError, TemporaryError, UsageError
from drillbook.events import Json
from drillbook.placeholders import filled, for_people
from drillbook.probe import Probe, Reading
from drillbook.service_model import Action
from drillbook.shell import command
from drillbook.shell.command import Command, Finished
from drillbook.web import request

if TYPE_CHECKING:
    from drillbook.world import World


def perform(world: World, action: Action, *given: Json) -> Json:
    """Do it. Returns what Python returned, or the JSON a command printed, or None.

    A command gets the last of ``given`` (what was captured before the fault) as JSON on standard input. Raises
    TemporaryError or PermanentError if it failed.
    """
    if action.use is not None:
        return pythonic.call(world, action.use, action.settings, *given)
    if action.http is not None:
        return _send(world, action)
    finished = _run(world, action, given)
    finished.expect_success()
    return _printed(finished)


def captured(world: World, action: Action) -> Json:
    """What a fault's ``capture`` says of the world before, as JSON; null if it says nothing.

    Raises PermanentError if it failed, or if what it says is no JSON: nothing could be restored from that.
    """
    try:
        if action.run is None:
            return json.loads(json.dumps(perform(world, action)))
        finished = _run(world, action, ())
        finished.expect_success()
        return json.loads(finished.out) if finished.out.strip() else None
    except (TypeError, ValueError) as error:
        what = f"capturing with {describe(world, action)} gave no JSON: {error}"
        raise PermanentError(what, do="return or print dicts, lists, texts, numbers, true, false or null") from error


def look(world: World, action: Action, *given: Json) -> Reading:
    """Look once. A command says ok by exit status 0; one that does not end in time could not tell.

    Raises UsageError or ProbeError if looking itself is broken.
    """
    if action.use is not None:
        use = action.use
        if not service_code.is_reference(use):
            return _built_in(world, action).read()
        return pythonic.reading_of(lambda: pythonic.call(world, use, action.settings, *given), use)
    if action.http is not None:
        return request.send(world, action.http)
    finished = _run(world, action, given)
    value = for_people(world, finished.tail.splitlines()[-1] if finished.tail else str(finished))
    return Reading(None if finished.timed_out else finished.status == 0, value, {"status": finished.status})


def describe(world: World, action: Action) -> str:
    """The action in one line, for plans and reports: placeholders as written, no secrets."""
    if action.http is not None:
        return for_people(world, request.expectation(action.http))
    return for_people(world, action.use or " ".join(action.run or ()))


def probe(world: World, action: Action, name: str = "") -> Probe:
    """The probe that ``action`` describes, called ``name`` in errors. Raises UsageError if it cannot be made."""
    if action.use is None:
        return ActionProbe(world, action)
    if not service_code.is_reference(action.use):
        return _built_in(world, action)
    found = service_code.load(world.service.folder, action.use)
    if not isinstance(found, type):
        return ActionProbe(world, action)
    made: Probe = pythonic.construct(world, found, action.use, action.settings)
    if not callable(getattr(made, "read", None)) or not callable(getattr(made, "describe", None)):
        raise UsageError(f"{action.use} ({name}) is no probe", do="give it the methods describe() and read()")
    return made


@dataclass(frozen=True)
class ActionProbe:
    """A probe that is a command, a request or a function."""

    world: World
    action: Action

    def describe(self) -> str:
        return describe(self.world, self.action)

    def read(self) -> Reading:
        return look(self.world, self.action)


def _built_in(world: World, action: Action) -> Probe:
    name = action.use or ""
    made: Probe = pythonic.construct(world, catalogue.resolve("probe", name), name, action.settings)
    return made


def _send(world: World, action: Action) -> None:
    if action.http is not None and (reading := request.send(world, action.http)).ok is not True:
        raise TemporaryError(f"{describe(world, action)}, but: {reading.value}", do="check the address and the answer")


def _run(world: World, action: Action, given: tuple[Json, ...]) -> Finished:
    stdin = action.stdin if action.stdin is not None else json.dumps(given[-1]) if given else ""
    return command.run(
        world,
        Command(
            argv=tuple(filled(world, action.run)),
            env=filled(world, action.env),
            timeout=action.timeout,
            stdin=world.fill(stdin) if action.stdin is not None else stdin,
        ),
    )


def _printed(finished: Finished) -> Json:
    try:
        return json.loads(finished.out)
    except ValueError:
        return None
