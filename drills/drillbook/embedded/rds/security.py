"""Security groups: a database whose groups let nobody in is silent, as behind a network that drops packets.

A rule counts if it covers the database's port; from where it lets in does not matter, because every client of the
embedded cloud comes from this machine. Unlike tracked flows on AWS, connections that are there hang at once, too.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from unittest import mock

from moto.ec2.models import ec2_backends
from moto.ec2.models.security_groups import SecurityGroupBackend

from drillbook.embedded.rds.errors import bad_value

_CHANGES = ("authorize_security_group_ingress", "revoke_security_group_ingress", "update_security_group_rule_ingress")


def lets_in(account: str, region: str, groups: list[str], ports: set[int]) -> bool:
    """Does any of the groups let anybody in at one of the ports? A group without a single rule of its own is the
    default group, whose members reach each other."""
    backend = ec2_backends[account][region]
    found = [group for one in groups if (group := backend.get_security_group_from_id(one)) is not None]
    if not found:
        return True
    return any(_untouched_default(group) or _admits(group, ports) for group in found)


def expect(account: str, region: str, groups: Iterable[str] | None) -> None:
    """Raises InvalidParameterValue if one of the groups is not there."""
    backend = ec2_backends[account][region]
    for one in groups or ():
        if backend.get_security_group_from_id(one) is None:
            raise bad_value(f"Invalid security group , groupId= {one}, groupName=.")


def patches(changed: Callable[[], None]) -> Iterator[Any]:
    """``changed`` is called after each change of a rule, before it is answered."""
    for name in _CHANGES:
        if (original := getattr(SecurityGroupBackend, name, None)) is not None:
            yield mock.patch.object(SecurityGroupBackend, name, _then(original, changed))


def _then(original: Callable[..., Any], changed: Callable[[], None]) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        changed()
        return answer

    return method


def _untouched_default(group: Any) -> bool:
    """Moto's default group has no rule at all; AWS's admits its members."""
    return bool(group.name == "default" and not group.ingress_rules)


def _admits(group: Any, ports: set[int]) -> bool:
    return any(str(rule.ip_protocol) == "-1" or _covers(rule, ports) for rule in group.ingress_rules)


def _covers(rule: Any, ports: set[int]) -> bool:
    if str(rule.ip_protocol) not in ("tcp", "6") or rule.from_port is None or rule.to_port is None:
        return False
    return any(int(rule.from_port) <= port <= int(rule.to_port) for port in ports)
