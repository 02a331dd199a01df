"""Everything that can be done to the clusters of one cloud."""

from __future__ import annotations

from drillbook.embedded.aurora.automated import AutomatedBackups
from drillbook.embedded.aurora.clusters import Clusters
from drillbook.embedded.aurora.estate import Estate
from drillbook.embedded.aurora.global_database import Globals
from drillbook.embedded.aurora.handover import Handover
from drillbook.embedded.aurora.members import Members
from drillbook.embedded.aurora.replicas import Replicas
from drillbook.embedded.aurora.restore import Restores
from drillbook.embedded.aurora.snapshots import Snapshots


class Operations:
    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.snapshots = Snapshots(estate)
        self.clusters = Clusters(estate, self.snapshots)
        self.members = Members(estate)
        self.restores = Restores(estate, self.clusters, self.snapshots)
        self.replicas = Replicas(estate, self.clusters)
        self.globals = Globals(estate, self.clusters, self.replicas)
        self.handover = Handover(estate, self.globals, self.replicas, self.snapshots)
        self.automated = AutomatedBackups(estate, self.restores)
