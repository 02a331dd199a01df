"""Everything drillbook raises on purpose.

    DrillbookError                 exit code
    ├── UsageError                 2   the caller can fix it in a command, a service file or a feature
    │   ├── LocatedError           2   ... and we know the file, line and column
    │   └── EvidenceError          2   an evidence directory cannot be read or was changed
    ├── Refused                    3   a rail said no
    └── DrillBroken                4   the drill could not be run to a verdict
        ├── TargetError            4   the world cannot be reached or may not be used
        ├── JournalError           4   the write-ahead journal cannot be trusted
        ├── FaultError             4   a fault was injected and is not in effect, or cannot be restored
        ├── ProbeError             4   a probe is broken (which is not the same as a bad reading)
        ├── WaitTimeout            4   something awaited did not happen in time
        └── OperationError         4   one call of a fault, probe or recovery step failed
            ├── TemporaryError         trying again may help
            └── PermanentError         trying again will not help

A recovery that fails is not an error of the drill: it is what the drill is there to find. The runner turns any
``DrillbookError`` of a recovery step into a failed outcome, and the verdict says FAIL (exit code 1).
"""

from __future__ import annotations

from pathlib import Path


class DrillbookError(Exception):
    """Root of the tree. ``what`` went wrong in one line; ``do`` says what the reader can do about it."""

    exit_code = 4

    def __init__(self, what: str, *, do: str = "") -> None:
        self.what = " ".join(what.split())
        self.do = " ".join(do.split())
        super().__init__(f"{self.what} — {self.do}" if self.do else self.what)


class UsageError(DrillbookError):
    """Wrong command line, service file, feature or evidence."""

    exit_code = 2


class LocatedError(UsageError):
    """A mistake in a file, told as ``file:line:column: what, did you mean …``. Lines and columns count from 1."""

    def __init__(self, path: Path | str, line: int, column: int, what: str, *, do: str = "") -> None:
        self.path, self.line, self.column = Path(path), line, column
        super().__init__(f"{path}:{line}:{column}: {what}", do=do)


class EvidenceError(UsageError):
    """An evidence directory is incomplete, malformed or was changed after the drill."""


class Refused(DrillbookError):
    """A rail refused. ``rail`` is the rail's name as documented in docs/safety.md."""

    exit_code = 3

    def __init__(self, rail: str, what: str, *, do: str) -> None:
        self.rail = rail
        super().__init__(f"refused by the {rail} rail: {what}", do=do)


class DrillBroken(DrillbookError):
    """The drill itself is broken: no verdict about the service can be given."""


class TargetError(DrillBroken):
    """The target cannot be reached or used. Says what was tried, and against what."""


class JournalError(DrillBroken):
    """The journal cannot be written, read or trusted."""


class FaultError(DrillBroken):
    """A fault did not take effect, or could not be restored."""


class ProbeError(DrillBroken):
    """A probe cannot read at all."""


class WaitTimeout(DrillBroken):
    """Something awaited did not happen. ``last`` is what was seen last."""

    def __init__(self, what: str, *, timeout: float, last: object, do: str = "") -> None:
        self.timeout, self.last = timeout, last
        super().__init__(f"{what} did not happen within {timeout:g} s; last seen: {last}", do=do)


class OperationError(DrillBroken):
    """One operation on the target failed. ``code`` keeps the provider's own error code (``ThrottlingException``)."""

    def __init__(self, what: str, *, code: str = "", do: str = "") -> None:
        self.code = code
        super().__init__(what, do=do)


class TemporaryError(OperationError):
    """Trying again may help; ``delay`` is the suggested wait in seconds."""

    def __init__(self, what: str, *, code: str = "", delay: float = 1.0, do: str = "") -> None:
        self.delay = delay
        super().__init__(what, code=code, do=do)


class PermanentError(OperationError):
    """Trying again will not help: the request is wrong, or its object is not there."""
