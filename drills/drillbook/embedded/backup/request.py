"""A request to AWS Backup: its parameters by the API's own model, its answer in pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from moto.backup.exceptions import InvalidParameterValueException
from moto.backup.models import backup_backends
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import get_service_model

from drillbook.embedded.backup.backend import VaultBackend
from drillbook.embedded.backup.refusals import MissingParameterValue

_PAGE = 1000


class BackupRequest(BaseResponse):
    """Common to all calls."""

    def __init__(self) -> None:
        super().__init__(service_name="backup")
        self.automated_parameter_parsing = True

    @property
    def backend(self) -> VaultBackend:
        backend = backup_backends[self.current_account][self.region]
        assert isinstance(backend, VaultBackend)
        return backend

    def given(self, *named: str) -> list[Any]:
        """The named parameters. Raises MissingParameterValueException."""
        self.all_there()
        return [self.params.get(name) for name in named]

    def all_there(self) -> None:
        model = get_service_model("backup").operation_model(self._get_action())
        if missing := [name for name in model.input_shape.required_members if self.params.get(name) in (None, "")]:
            raise MissingParameterValue(f"Missing required parameters: {', '.join(missing)}")

    def page(self, name: str, found: Iterable[dict[str, Any]]) -> ActionResult:
        """``NextToken`` is the number of the first element that was left out."""
        everything = list(found)
        token, size = self.params.get("NextToken") or "0", self.params.get("MaxResults", _PAGE)
        if not str(token).isdigit() or not 1 <= size <= _PAGE:
            raise InvalidParameterValueException("NextToken or MaxResults is invalid")
        end = int(token) + size
        answer: dict[str, Any] = {name: everything[int(token) : end]}
        return ActionResult(answer | ({"NextToken": str(end)} if end < len(everything) else {}))

    def filtered(self, found: list[dict[str, Any]], wanted: dict[str, str]) -> list[dict[str, Any]]:
        """Newest first, by equality with the named parameters and by the moments of creation and completion."""
        equal = {member: self.params[name] for name, member in wanted.items() if self.params.get(name)}
        kept = [one for one in found if all(one.get(member) == value for member, value in equal.items())]
        kept = self._between(kept, "CreationDate", "ByCreatedAfter", "ByCreatedBefore")
        return newest_first(self._between(kept, "CompletionDate", "ByCompleteAfter", "ByCompleteBefore"))

    def _between(self, found: list[dict[str, Any]], member: str, after: str, before: str) -> list[dict[str, Any]]:
        lower, upper = self.params.get(after), self.params.get(before)
        if lower is None and upper is None:
            return found
        return [
            one
            for one in found
            if member in one
            and (lower is None or one[member].timestamp() >= _epoch(lower))
            and (upper is None or one[member].timestamp() <= _epoch(upper))
        ]


def newest_first(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda one: one["CreationDate"], reverse=True)


def _epoch(moment: datetime | float) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)
