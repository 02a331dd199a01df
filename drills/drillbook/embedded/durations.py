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

BURST = 300.0
"""Unused capacity is retained for "up to 5 minutes (300 seconds)", here for at least one real second. A table's rate is
not scaled: its clients are real.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/burst-adaptive-capacity.html"""

SOURCE_OF_REPLICA = DAY
"""A replica from which another was filled cannot be deleted for 24 hours, while there are others.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables.tutorial.html"""

DNS_PROPAGATION = 60.0
"""Changes to records "generally propagate to all Route 53 name servers within 60 seconds".
https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html"""

DISTRIBUTION_DEPLOYED = 300.0
"""A changed distribution is deployed everywhere after some minutes.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HowToUpdateDistribution.html"""

INVALIDATED = 60.0
"""An invalidation is "usually complete within seconds to minutes"; until then edges may answer with the old object.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html"""

REPLICATION_METRICS = 60.0
"""How often S3 tells how far the replication of a bucket is behind, while it is: CloudWatch has it once a minute.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html"""

LAG_SAMPLE = 60.0
"""Replication lag is a metric of one value a minute.
https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html"""

TRAIL = 300.0
"""CloudTrail delivers events "within an average of about 5 minutes of an API call".
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/how-cloudtrail-works.html"""
