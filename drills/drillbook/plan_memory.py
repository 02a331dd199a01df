"""What a recovery plan leaves behind for the process that resumes it: how its steps ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drillbook.journal_file import JournalFile
from drillbook.journal_records import json_text

if TYPE_CHECKING:
    from drillbook.recovery import StepResult


class PlanMemory:
    """The runner's memory of one run. Survives the process; a step lost with the machine is only checked again."""

    def __init__(self, file: JournalFile, run_id: str, *, anew: bool = False) -> None:
        """``anew``: what the run has done by now does not count; its plans are done once more."""
        self._file, self._run_id = file, run_id
        latest = file.rows("select max(n) as n from steps where run_id = ?", run_id)
        self._since = (latest[0]["n"] or 0) if anew else 0

    def was_done(self, plan: str, step: str) -> bool:
        """Whether the step's latest outcome was that its work is done."""
        rows = self._file.rows(
            "select outcome from steps where run_id = ? and plan = ? and step = ? and n > ? order by n desc limit 1",
            *(self._run_id, plan, step, self._since),
        )
        return bool(rows) and rows[0]["outcome"] in ("done", "skipped")

    def note(self, plan: str, result: StepResult) -> None:
        """Keep how a step ended."""
        told = {"plan": plan, "step": result.step, "phase": result.phase, "outcome": result.outcome,
                "seconds": result.seconds, "budget": result.budget, "attempts": result.attempts,
                "error": result.error, "acknowledged": result.acknowledged}  # fmt: skip
        with self._file.transaction(durable=False) as connection:
            connection.execute(
                "insert into steps (run_id, plan, step, outcome, facts) values (?, ?, ?, ?, ?)",
                (self._run_id, plan, result.step, result.outcome, json_text(told)),
            )
