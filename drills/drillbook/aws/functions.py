"""Lambda functions that are changed one change at a time."""

from __future__ import annotations

from typing import Any

from drillbook.aws.failures import calling
from drillbook.clock import Clock
from drillbook.errors import PermanentError
from drillbook.waiting import wait_for

UPDATE_PATIENCE = 60.0


def wait_until_settled(functions: Any, name: str, clock: Clock) -> dict[str, Any]:
    """The configuration of function ``name`` once no update of it is in progress.

    AWS refuses a change while another one is in progress (AWS: "Lambda function states", LastUpdateStatus).
    Raises PermanentError if the last update failed, WaitTimeout after 60 s.
    """

    def look() -> dict[str, Any]:
        with calling(f"read the configuration of {name}"):
            seen: dict[str, Any] = functions.get_function_configuration(FunctionName=name)
            return seen

    seen = wait_for(
        f"the update of {name}",
        look,
        until=lambda now: now.get("LastUpdateStatus", "Successful") != "InProgress" and now.get("State") != "Pending",
        timeout=UPDATE_PATIENCE,
        interval=0.2,
        clock=clock,
    )
    if seen.get("LastUpdateStatus") == "Failed":
        raise PermanentError(
            f"the last update of {name} failed: {seen.get('LastUpdateStatusReason', 'no reason given')}",
            code=seen.get("LastUpdateStatusReasonCode", ""),
            do="correct what it complains about and update the function again",
        )
    return seen
