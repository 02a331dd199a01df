"""When the cloud itself fails: an AWS-shaped answer that says whose fault it is, and a memory of it for the status."""

from __future__ import annotations

import json
import logging
import traceback
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from drillbook.embedded.serving import StartResponse
from drillbook.events import Json

BLAME = "x-drillbook-cloud-fault"
"""The header by which a caller tells a broken embedded cloud from an error that AWS would give, too."""
_log = logging.getLogger(__name__)


class Crashes:
    """The last few, newest last, and how many there were."""

    def __init__(self) -> None:
        self.count = 0
        self._last: deque[str] = deque(maxlen=5)

    def status(self) -> dict[str, Json]:
        return {"count": self.count, "last": list(self._last)}

    def note(self, error: Exception, doing: str) -> str:
        """Remember it, and return how it is told."""
        told = _told(error)
        self.count += 1
        self._last.append(told)
        _log.error("%s: %s", doing, told, exc_info=error)
        return told

    def answer(self, error: Exception, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """InternalFailure (500) in the protocol of the request; 501 for what moto says it cannot do."""
        told = self.note(error, f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
        status = "501 Not Implemented" if isinstance(error, NotImplementedError) else "500 Internal Server Error"
        content_type, body = _shaped(f"the embedded cloud failed: {told}", environ)
        headers = [("Content-Type", content_type), ("x-amzn-errortype", "InternalFailure"), (BLAME, _header_safe(told))]
        start_response(status, headers)
        return [body.encode()]


def _told(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = "".join(
        f" in {Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}" for frame in place
    )
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}{where}"


def _shaped(message: str, environ: dict[str, Any]) -> tuple[str, str]:
    scope = environ.get("HTTP_AUTHORIZATION", "")
    if "/s3/" in scope or environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        error = f"<Code>InternalFailure</Code><Message>{escape(message)}</Message>"
        whole = (
            f"<Error>{error}</Error>" if "/s3/" in scope else f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
        )
        return "application/xml", whole
    return "application/json", json.dumps({"__type": "InternalFailure", "message": message})


def _header_safe(text: str) -> str:
    return text.encode("ascii", "replace").decode()
