"""What a drill may do to the world: changes, and faults, which are changes that break something.

A change knows how to undo itself from what it captured beforehand. ``restore`` is a *desired-state* restore, not the
opposite verb: it may run twice, after a half-done ``apply``, in another process, days later, and always leaves the
world as ``before`` says. That is what lets ``drillbook heal`` finish the work of a killed drill.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from drillbook.events import Json

if TYPE_CHECKING:
    from drillbook.world import World


EMULATED = "embedded:"
"""How ``touches`` names parts of the embedded cloud itself, such as a region: they are nobody's and carry no tags."""


class Settings(BaseModel):
    """Base of the settings that a service file gives to a fault or probe (``with:``). Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(Protocol):
    """A reversible change. The journal calls capture → (intent is on disk) → apply → restore → restored."""

    settle: float
    """Seconds after which a call in flight has either landed or never will (client timeout + the service's bound)."""

    def describe(self) -> str:
        """One line for the plan, the journal and the report: what is done to what."""
        ...

    def touches(self) -> list[str]:
        """The resources (ARN, name, path) that ``apply`` may touch: the blast radius."""
        ...

    def capture(self) -> Json:
        """What ``restore`` will need, as JSON without secrets. Reads only."""
        ...

    def apply(self, before: Json) -> None:
        """Make the change. Never retried by drillbook."""
        ...

    def restore(self, before: Json) -> None:
        """Bring the world to what ``before`` says. Idempotent; correct also if ``apply`` never ran or ran half."""
        ...

    def restored(self, before: Json) -> bool:
        """Read back: is the world as ``before`` says?"""
        ...


@runtime_checkable
class Fault(Change, Protocol):
    """A change that breaks the service."""

    def observe(self, before: Json) -> bool:
        """Is the fault in effect? A fault that is not in effect proves nothing, so the drill stops."""
        ...


class ChangeFactory(Protocol):
    """How a change is made, in the drill and again in ``drillbook heal``: a class that has a ``Settings``."""

    Settings: type[BaseModel]

    def __call__(self, world: World, settings: BaseModel, /) -> Change: ...
