"""Tell people, as steps that are timed like all others: an SNS notice, and the incident's record.

What was told cannot be taken back, so none of this is undone. The record is kept in the journal, stands in the drill's
evidence, and may be written to S3 as well, for those who were not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from drillbook.aws.failures import calling
from drillbook.aws.recovery.journalled import recall, remember
from drillbook.aws.session import acting, session_of
from drillbook.clock import utc_text
from drillbook.errors import PermanentError
from drillbook.events import EventKind, Json
from drillbook.recovery import Phase, Step
from drillbook.redaction import redact

if TYPE_CHECKING:
    from drillbook.world import World

Text = str | Callable[[], str]
"""What to tell; a callable is asked when the step runs, so that it may tell what was found out by then."""
_SUBJECT = 100
"""Characters that SNS takes for a subject; line ends it refuses (AWS: Publish)."""
_RECORD = "incident record"


def publish(world: World, topic: str, subject: str, message: str, *, region: str | None = None) -> None:
    """Send a notice to an SNS topic (ARN), once in a run.

    A process that dies between sending and writing so down sends it twice when it is resumed: better than never.
    Secrets in the text are masked. Raises PermanentError if there is no such topic.
    """
    key = f"notice to {topic}: {subject}"
    if recall(world, key) is not None:
        return
    sns = session_of(world).client("sns", region or topic.split(":")[3])
    with acting("recovery"), calling(f"send the notice {subject!r}"):
        sent = sns.publish(TopicArn=topic, Subject=_one_line(subject), Message=redact(message))
    remember(world, key, sent["MessageId"])
    told = {"message_id": sent["MessageId"], "text": redact(message)}
    world.events.emit(EventKind.NOTE, f"notice sent: {redact(subject)}", **told)


def was_published(world: World, topic: str, subject: str) -> bool:
    """Has this run sent that notice?"""
    return recall(world, f"notice to {topic}: {subject}") is not None


def record(world: World, entry: str, text: str) -> None:
    """Enter ``text`` under ``entry`` (declared, mitigated, closed, …) with the present UTC time, once in a run."""
    entries = incident(world)
    if entry not in [each["entry"] for each in entries]:
        said = redact(text)
        remember(world, _RECORD, [*entries, {"entry": entry, "at": utc_text(world.clock.now()), "text": said}])
        world.events.emit(EventKind.NOTE, f"{entry}: {said}", entry=entry)


def incident(world: World) -> list[dict[str, Json]]:
    """The record so far: ``entry``, ``at`` (UTC), ``text``, earliest first."""
    return recall(world, _RECORD) or []


def file_incident(world: World, place: str, *, region: str | None = None) -> None:
    """Write the record as JSON to ``bucket/key``, over what this or another attempt wrote there."""
    bucket, _, key = place.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise PermanentError(f"{place!r} names no object", do="write bucket/key")
    body = json.dumps({"run": world.run_id, "service": world.service.name, "entries": incident(world)}, indent=2)
    with acting("recovery"), calling(f"file the incident's record at {place}"):
        session_of(world).client("s3", region).put_object(
            Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json"
        )


def notice_step(
    world: World,
    name: str,
    topic: str,
    subject: str,
    message: Text,
    *,
    budget: float = 300.0,
    region: str | None = None,
) -> Step:
    """A communicate step that sends a notice. ``budget`` in seconds."""
    return Step(
        name,
        lambda: publish(world, topic, subject, _said(message), region=region),
        Phase.COMMUNICATE,
        budget=budget,
        check=lambda: was_published(world, topic, subject),
    )


def record_step(world: World, name: str, entry: str, text: Text, *, budget: float = 300.0) -> Step:
    """A communicate step that enters something in the incident's record. ``budget`` in seconds."""
    return Step(
        name,
        lambda: record(world, entry, _said(text)),
        Phase.COMMUNICATE,
        budget=budget,
        check=lambda: entry in [each["entry"] for each in incident(world)],
    )


def _said(text: Text) -> str:
    return text if isinstance(text, str) else text()


def _one_line(subject: str) -> str:
    return " ".join(redact(subject).split())[:_SUBJECT]
