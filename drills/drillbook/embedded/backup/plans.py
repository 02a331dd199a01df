"""Backup plans: their selections, their versions, and which of their rules are due.

https://docs.aws.amazon.com/aws-backup/latest/devguide/creating-a-backup-plan.html
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.backup.exceptions import (
    InvalidParameterValueException,
    InvalidRequestException,
    ResourceNotFoundException,
)
from moto.backup.models import BackupBackend, Plan

from drillbook.embedded.backup.refusals import MissingParameterValue
from drillbook.embedded.backup.schedule import Schedule, schedule, shortest_gap

_MOST_OFTEN = timedelta(hours=1)
_RULE_NEEDS = ("RuleName", "TargetBackupVaultName")


@dataclass
class Selection:
    id: str
    plan_id: str
    created: datetime
    creator_request_id: str
    content: dict[str, Any]

    def described(self) -> dict[str, Any]:
        return {
            "SelectionId": self.id,
            "SelectionName": self.content["SelectionName"],
            "BackupPlanId": self.plan_id,
            "CreationDate": self.created,
            "CreatorRequestId": self.creator_request_id,
            "IamRoleArn": self.content["IamRoleArn"],
        }


@dataclass
class Clockwork:
    """When a rule fires. The AWS calendar starts at ``begun`` and runs ``speed`` times as fast as the clock."""

    begun: datetime
    last: datetime
    """Until when (in the AWS calendar) its moments have been looked at."""

    def aws(self, now: datetime, speed: float) -> datetime:
        return self.begun + (now - self.begun) * speed


class Plans(BackupBackend):
    """The part of a region's AWS Backup that is about plans."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.selections: dict[str, Selection] = {}
        self.clockworks: dict[str, Clockwork] = {}
        """By rule id."""

    def now(self) -> datetime:
        raise NotImplementedError

    def check_lifecycle(self, lifecycle: dict[str, Any]) -> None:
        raise NotImplementedError

    def create_backup_plan(self, backup_plan: dict[str, Any], *args: Any, **named: Any) -> Plan:
        self._check(backup_plan)
        plan = super().create_backup_plan(backup_plan, *args, **named)
        self._wind_up(plan)
        return plan

    def update_plan(self, plan_id: str, backup_plan: dict[str, Any]) -> Plan:
        """A new version in the old one's place. Its rules begin anew."""
        plan = self.living_plan(plan_id)
        self._check(backup_plan)
        version = Plan(backup_plan, plan.creator_request_id, self)
        plan.backup_plan, plan.version_id = version.backup_plan, version.version_id
        plan.advanced_backup_settings = version.advanced_backup_settings
        self._wind_up(plan)
        return plan

    def delete_backup_plan(self, backup_plan_id: str) -> tuple[str, str, float, str]:
        self.living_plan(backup_plan_id)
        if self.selections_of(backup_plan_id):
            raise InvalidRequestException(
                "Related backup plan selections must be deleted prior to backup plan deletion"
            )
        return super().delete_backup_plan(backup_plan_id)

    def living_plan(self, plan_id: str) -> Plan:
        plan = self.get_backup_plan(plan_id, None)
        if plan.deletion_date is not None:
            raise ResourceNotFoundException("Failed reading Backup plan with provided version")
        return plan

    def _check(self, backup_plan: dict[str, Any]) -> None:
        """Raises MissingParameterValueException, or InvalidParameterValueException for a schedule that is none."""
        if not backup_plan.get("BackupPlanName") or not backup_plan.get("Rules"):
            raise MissingParameterValue("A backup plan needs a BackupPlanName and Rules")
        for rule in backup_plan["Rules"]:
            if missing := [name for name in _RULE_NEEDS if not rule.get(name)]:
                raise MissingParameterValue(f"A rule needs {', '.join(missing)}")
            self.check_lifecycle(rule.get("Lifecycle") or {})
            due = _due(rule, self.now())
            if shortest_gap(due, self.now()) < _MOST_OFTEN:
                raise InvalidParameterValueException("Backups more often than hourly are not supported")

    def _wind_up(self, plan: Plan) -> None:
        for rule in plan.backup_plan["Rules"]:
            self.clockworks[rule["RuleId"]] = Clockwork(self.now(), self.now())

    # Selections

    def select(self, plan_id: str, content: dict[str, Any], creator_request_id: str) -> Selection:
        self.living_plan(plan_id)
        if missing := [name for name in ("SelectionName", "IamRoleArn") if not content.get(name)]:
            raise MissingParameterValue(f"A selection needs {', '.join(missing)}")
        made = Selection(str(uuid.uuid4()), plan_id, self.now(), creator_request_id, content)
        self.selections[made.id] = made
        return made

    def selections_of(self, plan_id: str) -> list[Selection]:
        self.get_backup_plan(plan_id, None)
        return [one for one in list(self.selections.values()) if one.plan_id == plan_id]

    def selection(self, plan_id: str, selection_id: str) -> Selection:
        found = self.selections.get(selection_id)
        if found is None or found.plan_id != plan_id:
            raise ResourceNotFoundException(f"There is no selection {selection_id} in the plan {plan_id}")
        return found

    def unselect(self, plan_id: str, selection_id: str) -> None:
        del self.selections[self.selection(plan_id, selection_id).id]

    # Time

    def due_rules(self, now: datetime, speed: float) -> Iterator[tuple[Plan, dict[str, Any]]]:
        """The rules that are to run now. What was missed counts while its start window is open, and once."""
        for plan in list(self.plans.values()):
            if plan.deletion_date is None:
                for rule in plan.backup_plan["Rules"]:
                    if self._is_due(rule, now, speed):
                        yield plan, rule

    def _is_due(self, rule: dict[str, Any], now: datetime, speed: float) -> bool:
        clockwork = self.clockworks[rule["RuleId"]]
        aws_now, due = clockwork.aws(now, speed), _due(rule, clockwork.begun)
        earliest = max(clockwork.last, aws_now - timedelta(minutes=int(rule["StartWindowMinutes"])))
        moment = due(earliest)
        clockwork.last = aws_now
        return moment is not None and moment <= aws_now


def _due(rule: dict[str, Any], begun: datetime) -> Schedule:
    """In the rule's time zone. Raises InvalidParameterValueException."""
    expression = rule.get("ScheduleExpression") or "cron(0 5 ? * * *)"
    try:
        zone = _zone(rule.get("ScheduleExpressionTimezone") or "Etc/UTC")
        found = schedule(expression, begun)
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise InvalidParameterValueException(f"Invalid ScheduleExpression {expression}: {error}") from error

    def local(after: datetime) -> datetime | None:
        moment = found(after.astimezone(zone))
        return moment.astimezone(UTC) if moment else None

    return local


def _zone(name: str) -> tzinfo:
    """UTC is known on machines without a time zone database, too."""
    return UTC if name in ("UTC", "Etc/UTC") else ZoneInfo(name)
