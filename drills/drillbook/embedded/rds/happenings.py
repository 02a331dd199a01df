"""What DescribeEvents tells, beyond moto's few kinds.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
"""

from __future__ import annotations

from typing import Any

from moto.rds.models import Event

_KINDS = {
    "SHUTDOWN": ("availability", "DB instance shutdown"),
    "RESTARTED": ("availability", "DB instance restarted"),
    "STOPPED": ("notification", "DB instance stopped"),
    "STARTED": ("notification", "DB instance started"),
    "DELETED": ("deletion", "DB instance deleted"),
    "FAILOVER_STARTED": ("failover", "Multi-AZ instance failover started."),
    "FAILOVER_COMPLETED": ("failover", "Multi-AZ instance failover completed"),
    "CRASHED": ("failure", "The primary host of the RDS Multi-AZ instance is unreachable or has failed."),
    "RECOVERED": ("recovery", "Recovery of the DB instance is complete."),
    "STORAGE_FULL": ("low storage", "DB instance has run out of storage."),
    "REPLICA_STARTED": ("read replica", "Replication for the Read Replica started"),
    "REPLICA_STOPPED": ("read replica", "Replication for the Read Replica has been terminated"),
    "PROMOTED": ("read replica", "Promoted Read Replica instance to a standalone database instance."),
    "RESTORED": ("restoration", "Restored from a backup"),
    "PASSWORD": ("configuration change", "The master user password was reset."),
    "MULTI_AZ_ON": ("configuration change", "Finished applying modification to convert to a Multi-AZ DB instance"),
    "MULTI_AZ_OFF": ("configuration change", "Finished applying modification to convert to a standard DB instance"),
}
EVENTS: dict[str, Any] = {
    f"DRILLBOOK_{kind}": {"Categories": [category], "Message": message} for kind, (category, message) in _KINDS.items()
}
"""To be added to moto's ``Event.EVENT_MAP``."""


def tell(instance: Any, kind: str) -> None:
    """Note an event of this instance; ``kind`` is a key of the table above."""
    instance.backend.events.append(Event(f"DRILLBOOK_{kind}", instance))
