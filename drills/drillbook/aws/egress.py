"""The egress guard as botocore's callers see it: a ``Refused``, not an HTTP error with a refusal inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from drillbook import egress

if TYPE_CHECKING:
    from drillbook.world import World


def keep_from_aws(world: World) -> None:
    """From now on, and until the world is closed, this process cannot reach AWS."""
    _refuse_in_botocore()
    world.guard.raise_()


def _refuse_in_botocore() -> None:
    """Ask the guard before botocore's HTTP layer does, which would wrap the refusal. Once a process; for all sessions,
    also those made before; without effect while no guard is up."""
    from botocore.httpsession import URLLib3Session

    send = URLLib3Session.send
    if getattr(send, "asks_the_guard", False):
        return

    def guarded(session: URLLib3Session, request: Any) -> Any:
        egress.check(urlsplit(request.url).hostname or "")
        return send(session, request)

    guarded.asks_the_guard = True  # type: ignore[attr-defined]
    URLLib3Session.send = guarded  # type: ignore[method-assign,assignment]
