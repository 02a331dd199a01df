"""Which of several records with one name and type answers, by routing policy and health.

Source: "How Amazon Route 53 chooses records when health checking is configured"
(https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html) and
"Choosing a routing policy" (https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy.html).
When no record is healthy, Route 53 considers all of them healthy: something has to be answered.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from moto.route53.models import RecordSet

from drillbook.embedded.dns.geography import NOWHERE, SPOTS, distance

MOST = 8
"""Records of a multivalue answer."""
Fit = Callable[[RecordSet], bool]


def choose(records: list[RecordSet], location: str, fit: Fit) -> list[RecordSet]:
    """The records to answer with, for a client near the region ``location``; none if no place on Earth fits it.

    ``fit`` says whether a record is healthy.
    """
    first = records[0]
    if first.failover:
        return [_failover(records, fit)]
    if first.weight is not None:
        return [_weighted(records, fit)]
    if first.region:
        return [_nearest(records, location, fit)]
    if first.geo_location:
        return _of_place(records, location, fit)
    if first.multi_value_answer:
        good = [record for record in records if fit(record)] or records
        return random.sample(good, min(MOST, len(good)))
    return records[:1]


def _failover(records: list[RecordSet], fit: Fit) -> RecordSet:
    """The primary while it is healthy; the secondary if only that is; the primary when neither is."""
    ranked = sorted(records, key=lambda record: record.failover != "PRIMARY")
    return next(filter(fit, ranked), ranked[0])


def _weighted(records: list[RecordSet], fit: Fit) -> RecordSet:
    """Weight 0 answers only when no record with a weight is healthy. All weights 0: each with the same chance."""
    weighty = [record for record in records if _weight(record)]
    resting = [record for record in records if not _weight(record)]
    pool = list(filter(fit, weighty)) or list(filter(fit, resting)) or weighty or resting
    return random.choices(pool, [_weight(record) or 1 for record in pool])[0]


def _weight(record: RecordSet) -> int:
    return int(record.weight or 0)


def _nearest(records: list[RecordSet], location: str, fit: Fit) -> RecordSet:
    ranked = sorted(records, key=lambda record: distance(location, str(record.region)))
    return next(filter(fit, ranked), ranked[0])


def _of_place(records: list[RecordSet], location: str, fit: Fit) -> list[RecordSet]:
    """The record of the client's country, else of its continent, else the default (``*``): the smallest healthy one.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy-geo.html
    """
    spot = SPOTS.get(location, NOWHERE)
    wanted: list[dict[str, Any]] = [
        {"CountryCode": spot.country}, {"ContinentCode": spot.continent}, {"CountryCode": "*"}
    ]  # fmt: skip
    ranked = [record for place in wanted for record in records if record.geo_location == place]
    return [next(filter(fit, ranked), ranked[0])] if ranked else []
