"""What a CloudWatch alarm says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.session import acting, session_of
from drillbook.errors import ProbeError, TargetError, TemporaryError
from drillbook.fault import Settings
from drillbook.probe import Reading

if TYPE_CHECKING:
    from drillbook.world import World

_MEANING = {"OK": True, "ALARM": False}
"""Any other state (AWS: INSUFFICIENT_DATA) says nothing."""


class AlarmProbeSettings(Settings):
    """A metric alarm or a composite alarm, by name."""

    alarm: str
    region: str | None = None


class AlarmProbe:
    """ok while the alarm's state is OK, not ok in ALARM, unknown in INSUFFICIENT_DATA or when nobody answers."""

    Settings = AlarmProbeSettings

    def __init__(self, world: World, settings: AlarmProbeSettings) -> None:
        self._alarm = world.fill(settings.alarm)
        self._cloudwatch = session_of(world).client("cloudwatch", settings.region)

    def describe(self) -> str:
        return f"CloudWatch alarm {self._alarm} is OK"

    def read(self) -> Reading:
        """Look once. Raises ProbeError if there is no such alarm, or it may not be read."""
        try:
            with acting("probe"), calling(f"read the alarm {self._alarm}"):
                answer = self._cloudwatch.describe_alarms(
                    AlarmNames=[self._alarm], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
                )
        except (TemporaryError, TargetError) as error:
            return Reading(None, error.what)
        found = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
        if not found:
            raise ProbeError(f"there is no alarm {self._alarm}", do="correct the name or region of the probe")
        return _reading(found[0])


def _reading(alarm: dict[str, Any]) -> Reading:
    state = alarm["StateValue"]
    return Reading(_MEANING.get(state), state, {"reason": alarm.get("StateReason", "")})
