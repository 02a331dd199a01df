"""When a write counts, and that it counts whole: the order of all changes in one region's tables."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from moto.dynamodb.models.dynamo_type import DynamoType, Item

from drillbook.embedded.planes import CloudState

if TYPE_CHECKING:
    from drillbook.embedded.dynamodb.table import TimeTravelTable

ItemKey = tuple[DynamoType, DynamoType | None]


@dataclass(frozen=True)
class Written:
    """One item before and after a write."""

    table: TimeTravelTable
    key: ItemKey
    old: Item | None
    new: Item | None


class Ledger:
    """Gives each write its instant. Hold ``lock`` around whatever reads or writes the region's tables."""

    lock = threading.RLock()
    """One for all regions: a restore may read another region's table, and two such must not wait for each other."""
    courier: ClassVar[Callable[[], None]]
    """Call it when there is something for global tables to deliver."""

    def __init__(self, cloud: CloudState) -> None:
        self.cloud, self._clock = cloud, cloud.clock
        self.couriers = ThreadPoolExecutor(1, "streams")
        """Carries stream records to functions, one after the other."""
        self._last = 0.0
        self._open: list[Written] | None = None
        """Writes that do not count yet."""

    @property
    def transacting(self) -> bool:
        """Is there a write that does not count yet?"""
        return self._open is not None

    def instant(self) -> float:
        """UTC seconds since the epoch, never less than before, even if the machine's clock is set back."""
        self._last = max(self._last, self._clock.now().timestamp())
        return self._last

    def record(self, written: Written) -> None:
        if self._open is None:
            self._commit([written])
        else:
            self._open.append(written)

    @contextmanager
    def one_instant(self) -> Iterator[None]:
        """All writes within count at one instant; after an error, none of them ever happened."""
        with self.lock:
            writes = self._open = []
            try:
                yield
            except BaseException:
                for written in reversed(writes):
                    written.table.place(written.key, written.old)
                raise
            finally:
                self._open = None
            self._commit(writes, transactional=True)

    @contextmanager
    def one_write(self, table: TimeTravelTable, key: ItemKey) -> Iterator[None]:
        """Whatever happens to the item within is one write, or none after an error.

        moto edits the stored item in place, so it is given a copy: earlier images stay as they were.
        """
        with self.lock:
            before = table.image(key)
            outer, self._open = self._open, []
            if before is not None:
                table.place(key, copy.deepcopy(before))
            try:
                yield
            except BaseException:
                table.place(key, before)
                raise
            finally:
                self._open = outer
            self.record(Written(table, key, before, table.image(key)))

    def _commit(self, writes: list[Written], *, transactional: bool = False) -> None:
        at = self.instant()
        for written in writes:
            written.table.committed(at, written, transactional=transactional)
