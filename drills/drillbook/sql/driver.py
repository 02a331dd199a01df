"""psycopg, imported when a database is first talked to: drillbook works without it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from drillbook.errors import OperationError, PermanentError, TemporaryError, UsageError

if TYPE_CHECKING:
    import psycopg

SYNTAX_ERROR = "42601"
READ_ONLY = "25006"
_PASSING = ("08", "40", "53", "55", "57", "58")
"""Classes of SQLSTATE that may pass: connection, rollback, resources, object in use, intervention, system.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""
_REFUSALS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "is not permitted to log in")
"""libpq keeps no SQLSTATE of a refused login, only its text."""


def driver() -> ModuleType:
    """The module psycopg. Raises UsageError if it is not installed."""
    try:
        import psycopg
    except ImportError as error:
        raise UsageError(
            f"this needs psycopg, which cannot be imported: {error}", do="install it: pip install 'drillbook[postgres]'"
        ) from error
    return psycopg


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Statements in this block are to ``what`` (``count the orders``).

    Raises TemporaryError or PermanentError, with the SQLSTATE as code, in place of psycopg's errors.
    """
    module = driver()
    try:
        yield
    except module.Error as error:
        raise _translated(error, what) from error


def _translated(error: psycopg.Error, what: str) -> OperationError:
    code = error.sqlstate or ""
    said = f"could not {what}: {code + ': ' if code else ''}{_first_line(error)}"
    refused = not code and any(words in str(error) for words in _REFUSALS)
    if refused:
        return PermanentError(said, code="28000", do="check the user, its password and the name of the database")
    if not code or code[:2] in _PASSING:
        return TemporaryError(said, code=code, do="it may pass: see whether the database runs and can be reached")
    return PermanentError(said, code=code, do=_advice(code))


def _advice(code: str) -> str:
    if code == READ_ONLY:
        return "the database is a replica or in read-only mode: connect to the one that writes"
    if code == "42501":
        return "grant it to the user of the drill"
    if code.startswith("42"):
        return "correct the statement, or see whether the table came with the restore"
    return "see the log of the database"


def _first_line(error: psycopg.Error) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
