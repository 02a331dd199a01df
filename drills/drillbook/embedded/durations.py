"""How long AWS takes, in AWS seconds; ``CloudState.aws_seconds`` scales them to the embedded cloud's speed.

Only waits that a recovery's *behaviour* depends on are here. How long a restore of a real table takes is the
projection's subject: the embedded cloud is there to show that a plan waits for it at all.
"""

from __future__ import annotations

DAY = 86400.0

RESTORABLE_LAG = 300.0
"""LatestRestorableDateTime is "typically 5 minutes before the current time".
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html"""

RESTORE = 20.0
"""A restored table is CREATING for this long: a token, far below the minutes to hours of a real restore."""

TTL_DELETE = 2 * DAY
"""Expired items are deleted "within a few days" of their expiration.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html"""

TTL_SWEEP = 600.0
"""How often the embedded cloud looks for expired items."""

TTL_TOO_OLD = 5 * 365 * DAY
"""Items that expired more than five years ago are not deleted (same page). Not scaled: it guards against bad units."""

STREAM_RESOLUTION = 1.0
"""ApproximateCreationDateTime is "rounded down to the closest second".
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html"""
