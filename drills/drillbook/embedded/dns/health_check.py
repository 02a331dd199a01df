"""A health check as Route 53 keeps it."""

from __future__ import annotations

from typing import Any

from moto.route53.models import HealthCheck


class TrueHealthCheck(HealthCheck):
    """moto's, with what it leaves out: CloudWatch alarms and versions."""

    def __init__(self, health_check_id: str, caller_reference: str, health_check_args: dict[str, Any]) -> None:
        super().__init__(health_check_id, caller_reference, health_check_args)
        self.given = dict(health_check_args)
        self.alarm_identifier: dict[str, str] | None = health_check_args.get("alarm_identifier")
        self.insufficient_data = health_check_args.get("insufficient_data") or "LastKnownStatus"
        self.set_children(health_check_args.get("children") or [])
        self.set_regions(health_check_args.get("regions") or [])
        if self.type_ in ("HTTPS", "HTTPS_STR_MATCH") and not health_check_args.get("port"):
            self.port = 443

    @property
    def health_check_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().health_check_config
        if self.type_ == "CLOUDWATCH_METRIC":
            for name in ("IPAddress", "Port", "RequestInterval", "FailureThreshold", "MeasureLatency"):
                del config[name]
            config |= {"AlarmIdentifier": self.alarm_identifier, "InsufficientDataHealthStatus": self.insufficient_data}
        return config
