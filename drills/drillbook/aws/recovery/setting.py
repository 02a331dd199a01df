"""A change whose former state can be read, and set again: what most steps of a recovery are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from drillbook.aws.failures import calling
from drillbook.aws.session import session_of
from drillbook.events import Json
from drillbook.fault import Settings

if TYPE_CHECKING:
    from drillbook.world import World

S = TypeVar("S", bound=Settings)


class Setting(ABC, Generic[S]):
    """Sets what ``wanted`` says of the state before; undoing sets that state again.

    A subclass names the AWS service, reads the state as JSON without secrets, and writes it.
    """

    service: ClassVar[str]

    def __init__(self, world: World, settings: S) -> None:
        self.world, self.settings = world, settings
        self.session = session_of(world)
        self.settle = self.session.settle
        self.region: str = getattr(settings, "region", None) or self.session.region
        self.client: Any = self.session.client(self.service, self.region)

    @abstractmethod
    def describe(self) -> str: ...

    @abstractmethod
    def touches(self) -> list[str]: ...

    @abstractmethod
    def read(self) -> Json:
        """The state now. Raises PermanentError if what is to be set is not there."""

    @abstractmethod
    def wanted(self, before: Json) -> Json:
        """The state that the settings ask for, given the state before: all that they do not name stays."""

    @abstractmethod
    def write(self, state: Json) -> None:
        """Make the state this one, and wait until it is in effect."""

    def capture(self) -> Json:
        with calling(f"read what is there before: {self.describe()}"):
            return self.read()

    def apply(self, before: Json) -> None:
        with calling(self.describe()):
            self.write(self.wanted(before))

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            with calling(f"undo: {self.describe()}"):
                self.write(before)

    def restored(self, before: Json) -> bool:
        return bool(self.capture() == before)

    def is_done(self) -> bool:
        """Is everything as the settings ask?"""
        now = self.capture()
        return bool(self.wanted(now) == now)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.session.account}:{resource}"
