"""How a change reaches the name servers: PENDING for a while, in which they answer as before, then INSYNC.

What a zone held before a change is kept with the zone for that while, so nothing has to run when the while is over.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from moto.route53.models import FakeZone, RecordSet

from drillbook.embedded import durations
from drillbook.embedded.planes import CloudState

_LETTERS = string.ascii_uppercase + string.digits
_BEFORE = "drillbook_before"


@dataclass(frozen=True)
class Change:
    """One request's changes. ``due`` is when all name servers know of them."""

    id: str
    submitted: datetime
    due: datetime
    comment: str | None = None

    def info(self, now: datetime) -> dict[str, Any]:
        """As ``ChangeInfo``. https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeInfo.html"""
        status = "INSYNC" if now >= self.due else "PENDING"
        return {
            "Id": f"/change/{self.id}",
            "Status": status,
            "SubmittedAt": self.submitted.replace(tzinfo=None),
            "Comment": self.comment,
        }


def submitted(cloud: CloudState, comment: str | None = None) -> Change:
    """A change made now."""
    now = cloud.clock.now()
    return Change("C" + "".join(secrets.choice(_LETTERS) for _ in range(20)), now, _due(cloud), comment)


def remember(cloud: CloudState, zone: FakeZone) -> None:
    """Call before a zone's records change: the name servers go on with these until the change has reached them."""
    now = cloud.clock.now()
    waiting = [(until, records) for until, records in vars(zone).get(_BEFORE, []) if until > now]
    setattr(zone, _BEFORE, [*waiting, (_due(cloud), tuple(zone.rrsets))])


def propagated(cloud: CloudState, zone: FakeZone) -> tuple[RecordSet, ...]:
    """The zone's records that the name servers know now; none for a zone they do not know yet."""
    now = cloud.clock.now()
    before = (records for until, records in vars(zone).get(_BEFORE, []) if until > now)
    return next(before, tuple(zone.rrsets))


def remembering(cloud: CloudState, original: Callable[..., Any]) -> Callable[..., Any]:
    """``FakeZone``'s own changes, by which CloudFormation writes."""

    def change(zone: FakeZone, record_set: dict[str, Any]) -> Any:
        remember(cloud, zone)
        return original(zone, record_set)

    return change


def _due(cloud: CloudState) -> datetime:
    return cloud.clock.now() + timedelta(seconds=cloud.aws_seconds(durations.DNS_PROPAGATION))
