"""What a service file promises of a service that is whole: ``steady_state``, as a list of probes or as tolerances.

    steady_state: [orders can be listed]
    steady_state: {availability: 99 %, p95: 300 ms, errors: 1 %, probes: [orders can be listed]}

The first is short for the strictest tolerance: every request of the canary is answered well.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from drillbook.events import Json
from drillbook.service_fields import Part
from drillbook.units import Duration, Share, duration_text


class SteadyPromise(Part):
    """Over the hold time, from the canary's view; and every probe reads ok. What is not declared is not judged."""

    availability: Share | None = None
    """At least this share of requests is answered well. Every one, where neither this nor ``errors`` is declared."""
    p95: Duration | None = None
    """Seconds, from when a request was due, within which 95 % of the answers come."""
    errors: Share | None = None
    """At most this share of requests is refused, fails, or gets no answer."""
    probes: tuple[str, ...] = ()

    @property
    def well(self) -> float | None:
        """The share of requests to be answered well, or None if only errors count."""
        return 1.0 if self.availability is None and self.errors is None else self.availability

    def sentences(self, slow: float) -> dict[str, str]:
        """Each promise by its name, in words for everybody. ``slow``: the latency bound of a good answer, seconds."""
        told: dict[str, str] = {}
        if self.well is not None:
            share = "every request is" if self.well == 1 else f"at least {share_text(self.well)} of requests are"
            told["availability"] = f"{share} answered well, within {duration_text(slow)}"
        if self.p95 is not None:
            told["p95"] = f"95 % of answers come within {duration_text(self.p95)}"
        if self.errors is not None:
            told["errors"] = f"at most {share_text(self.errors)} of requests end in an error"
        return told | {probe: f"“{probe}” holds" for probe in self.probes}


def share_text(share: float) -> str:
    """``99 %``, ``99.95 %``: never rounded up to all, or down to none."""
    if 0 < share < 0.0001 or 0.9999 < share < 1:
        return "almost none" if share < 0.5 else "almost all"
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + " %"


def _long_form(value: Any) -> Json:
    if isinstance(value, list):
        return {"probes": value}
    if not isinstance(value, dict):
        raise ValueError("must be a list of probes, or a mapping of availability, p95, errors and probes")
    return value


SteadyPromiseField = Annotated[SteadyPromise, BeforeValidator(_long_form)]
