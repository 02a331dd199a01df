"""Every API call becomes one event, said to be made by whoever was acting.

An auditor can look each call up in CloudTrail by its request id (AWS: "CloudTrail record contents", ``requestID``).
Parameters and answers are never recorded: they may hold secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from drillbook.events import Event, EventKind, EventStream

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks
    from botocore.model import OperationModel

_ACTOR: ContextVar[str] = ContextVar("drillbook_actor", default="")
_ACTOR_OF_STAGE = {
    "stand up": "stand up", "baseline": "probe", "inject": "fault", "detect": "probe", "recover": "recovery",
    "verify": "probe", "heal": "heal",
}  # fmt: skip
_STARTED = "drillbook_started"


@contextmanager
def acting(actor: str) -> Iterator[None]:
    """Within this block calls are made by ``actor``: fault | recovery | probe | heal | stand up.

    Holds for the present thread; a thread pool keeps it only through ``contextvars.copy_context``. Where nobody said
    who acts, it follows from the drill's stage.
    """
    token = _ACTOR.set(actor)
    try:
        yield
    finally:
        _ACTOR.reset(token)


def actor(stage: str = "") -> str:
    """Who is acting now: whoever was said to, else whoever acts in that stage of a drill, else ``drill``."""
    return _ACTOR.get() or _ACTOR_OF_STAGE.get(stage, "drill")


def record(hooks: BaseEventHooks, events: EventStream) -> None:
    """Emit EventKind.CALL on ``events`` for every call of the clients that share ``hooks``. Times are monotonic."""

    stage = ""

    def follow(event: Event) -> None:
        nonlocal stage
        if event.kind is EventKind.STAGE:
            stage = event.name

    def circumstances(context: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "seconds": events.clock.monotonic() - context[_STARTED],
            "region": context.get("client_region", ""),
            "actor": actor(stage),
        }

    def begin(context: dict[str, Any], **_: Any) -> None:
        context[_STARTED] = events.clock.monotonic()

    def answered(model: OperationModel, parsed: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        metadata = parsed.get("ResponseMetadata", {})
        events.emit(
            EventKind.CALL,
            f"{model.service_model.service_name}.{model.name}",
            **circumstances(context),
            request_id=metadata.get("RequestId", ""),
            status=metadata.get("HTTPStatusCode"),
            attempts=metadata.get("RetryAttempts", 0) + 1,
            error=parsed.get("Error", {}).get("Code", ""),
        )

    def unanswered(event_name: str, exception: Exception, context: dict[str, Any], **_: Any) -> None:
        service, operation = event_name.split(".")[1:3]
        events.emit(
            EventKind.CALL,
            f"{service}.{operation}",
            **circumstances(context),
            request_id="",
            status=None,
            attempts=None,
            error=type(exception).__name__,
        )

    events.listen(follow)
    hooks.register_first("before-call", begin)
    hooks.register_last("after-call", answered)
    hooks.register_last("after-call-error", unanswered)
