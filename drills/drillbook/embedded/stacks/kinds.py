"""Every type of resource that stacks of this cloud can have. Any other fails the stack."""

from __future__ import annotations

from drillbook.embedded.stacks.kind import Kind
from drillbook.embedded.stacks.kinds_data import KINDS as DATA
from drillbook.embedded.stacks.kinds_edge import KINDS as EDGE
from drillbook.embedded.stacks.kinds_rest import KINDS as REST
from drillbook.embedded.stacks.kinds_serverless import KINDS as SERVERLESS

KINDS: dict[str, Kind] = DATA | SERVERLESS | EDGE | REST
