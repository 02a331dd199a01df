"""Subscriptions as SNS has them: HTTP endpoints must confirm, and each message goes out in the endpoint's own form.

Sources: "Fanout to HTTP/S endpoints" (https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html),
"Lambda and SNS" (https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from moto.sns.models import SNSBackend, Subscription
from moto.sqs.exceptions import QueueDoesNotExist

from drillbook.clock import utc_text
from drillbook.embedded.planes import CloudState
from drillbook.embedded.topics.delivery import Couriers

CONFIRM = "/_aws/sns/confirm"
_HTTP = ("http", "https")


def is_pending(subscription: Subscription) -> bool:
    return bool(subscription.attributes.get("PendingConfirmation"))


def subscribing(original: Callable[..., Subscription], couriers: Couriers, cloud: CloudState) -> Callable[..., Any]:
    def subscribe(backend: SNSBackend, topic_arn: str, endpoint: str, protocol: str) -> Subscription:
        """A new HTTP subscription is pending, and its endpoint is asked to confirm; asked again, so is the endpoint."""
        known = backend._find_subscription(topic_arn, endpoint, protocol)
        subscription = original(backend, topic_arn, endpoint, protocol)
        if protocol in _HTTP and (known is None or is_pending(known)):
            subscription.attributes["PendingConfirmation"] = True
            subscription.token = uuid4().hex  # type: ignore[attr-defined]
            _ask_to_confirm(subscription, couriers, cloud)
        return subscription

    return subscribe


def _ask_to_confirm(subscription: Subscription, couriers: Couriers, cloud: CloudState) -> None:
    token, topic = subscription.token, subscription.topic.arn  # type: ignore[attr-defined]
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token})
    said = {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(uuid4()),
        "Token": token,
        "TopicArn": topic,
        "Message": f"You have chosen to subscribe to the topic {topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": f"{cloud.endpoint}{CONFIRM}?{query}",
        "Timestamp": utc_text(cloud.clock.now()),
    }
    _send(subscription, said, couriers)


def confirm(backend: SNSBackend, topic: str, token: str) -> Subscription | None:
    """The subscription that has now been confirmed; None if the token is nobody's."""
    for subscription in backend.subscriptions.values():
        if subscription.topic.arn == topic and getattr(subscription, "token", None) == token:
            subscription.attributes["PendingConfirmation"] = False
            return subscription
    return None


def publishing(original: Callable[..., None], couriers: Couriers) -> Callable[..., None]:
    def publish(subscription: Subscription, message: str, message_id: str, **settings: Any) -> None:
        """Never fails the publisher: what a subscriber does with a message is between SNS and the subscriber."""
        matcher = subscription._filter_policy_matcher
        if subscription.protocol not in (*_HTTP, "lambda"):
            try:
                original(subscription, message, message_id, **settings)
            except QueueDoesNotExist:
                couriers.counts["failed"] += 1
            return
        if is_pending(subscription):
            return
        if matcher is not None and not matcher.matches(settings.get("message_attributes"), message):
            return
        if settings.get("message_structure") == "json":
            message = subscription._parse_message_structure(message, subscription.protocol)
        said = subscription.get_post_data(message, message_id, settings.get("subject"))
        if attributes := settings.get("message_attributes"):
            said["MessageAttributes"] = attributes
        if subscription.protocol == "lambda":
            _invoke(subscription, said, couriers)
        else:
            _send(subscription, said, couriers)

    return publish


def _send(subscription: Subscription, said: dict[str, Any], couriers: Couriers) -> None:
    raw = said["Type"] == "Notification" and str(subscription.attributes.get("RawMessageDelivery")).lower() == "true"
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": said["Type"],
        "x-amz-sns-message-id": said["MessageId"],
        "x-amz-sns-topic-arn": said["TopicArn"],
    }
    if said["Type"] == "Notification":
        headers["x-amz-sns-subscription-arn"] = subscription.arn
    if raw:
        headers["x-amz-sns-rawdelivery"] = "true"
    body = said["Message"] if raw else json.dumps(said)
    couriers.post(subscription.endpoint, body.encode(), headers, _region(subscription))


def _invoke(subscription: Subscription, said: dict[str, Any], couriers: Couriers) -> None:
    from moto.awslambda.utils import get_backend

    parts = subscription.endpoint.split(":")
    record = {
        "EventVersion": "1.0",
        "EventSource": "aws:sns",
        "EventSubscriptionArn": subscription.arn,
        "Sns": {"Subject": None, "MessageAttributes": {}} | said,
    }
    body = json.dumps({"Records": [record]})

    def deliver() -> None:
        functions = get_backend(parts[4], parts[3])
        functions.invoke(parts[6], parts[7] if len(parts) > 7 else None, body, {}, {})

    couriers.call(deliver, _region(subscription), parts[3])


def _region(subscription: Subscription) -> str:
    return str(subscription.topic.arn.split(":")[3])
