from __future__ import annotations

from ..service.conftest import world, write  # noqa: TID252 - one world for all actions of a service

__all__ = ["world", "write"]
