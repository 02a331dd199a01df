"""Every type of resource that stacks of this cloud can have. Any other fails the stack."""

from __future__ import annotations

from drillbook.embedded.stacks import kinds_data, kinds_edge, kinds_rest, kinds_serverless

KINDS = kinds_data.KINDS | kinds_serverless.KINDS | kinds_edge.KINDS | kinds_rest.KINDS
