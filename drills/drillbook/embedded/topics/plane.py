"""SNS that delivers: to HTTP endpoints of this machine once they have confirmed, to functions, to queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest import mock
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from drillbook.embedded.planes import CloudState
from drillbook.events import Json

if TYPE_CHECKING:
    from moto.sns.models import Subscription
    from moto.sns.responses import SNSResponse

_CONFIRM = "/_aws/sns/confirm"


def plane() -> Topics:
    return Topics()


class Topics:
    """Also the door at which an endpoint confirms by following the SubscribeURL."""

    name = "sns"

    def __init__(self) -> None:
        self._undo = ExitStack()

    def install(self, cloud: CloudState) -> None:
        from moto.sns.models import SNSBackend, Subscription
        from moto.sns.responses import SNSResponse

        from drillbook.embedded.topics.delivery import Couriers
        from drillbook.embedded.topics.subscriptions import publishing, subscribing

        self._couriers = couriers = Couriers(cloud)
        self._undo.callback(couriers.close)
        for owner, name, replacement in (
            (SNSBackend, "subscribe", subscribing(SNSBackend.subscribe, couriers, cloud)),
            (Subscription, "publish", publishing(Subscription.publish, couriers)),
            (SNSResponse, "subscribe", _subscribe(SNSResponse.subscribe)),
            (SNSResponse, "confirm_subscription", _confirm_subscription),
            (SNSResponse, "list_subscriptions", _listing(SNSResponse.list_subscriptions)),
            (SNSResponse, "list_subscriptions_by_topic", _listing(SNSResponse.list_subscriptions_by_topic)),
        ):
            self._undo.enter_context(mock.patch.object(owner, name, replacement))

    def status(self) -> dict[str, Json]:
        return dict(self._couriers.counts)

    def close(self) -> None:
        self._undo.close()

    def matches(self, environ: dict[str, Any]) -> bool:
        return bool(environ["PATH_INFO"] == _CONFIRM)

    def __call__(self, environ: dict[str, Any], start_response: Any, /) -> Iterable[bytes]:
        from moto.sns.models import sns_backends

        from drillbook.embedded.topics.subscriptions import confirm

        asked = parse_qs(environ["QUERY_STRING"])
        topic, token = (asked.get(name, [""])[0] for name in ("TopicArn", "Token"))
        parts = topic.split(":")
        found = confirm(sns_backends[parts[4]][parts[3]], topic, token) if len(parts) == 6 else None
        body = f"<SubscriptionArn>{escape(found.arn)}</SubscriptionArn>" if found else "<Code>InvalidParameter</Code>"
        start_response("200 OK" if found else "400 Bad Request", [("Content-Type", "text/xml")])
        whole = "ConfirmSubscriptionResponse" if found else "ErrorResponse"
        return [f"<{whole}>{body}</{whole}>".encode()]


def _subscribe(original: Callable[[SNSResponse], Any]) -> Callable[[SNSResponse], Any]:
    def subscribe(response: SNSResponse) -> Any:
        """Answers ``pending confirmation`` unless asked for the ARN (ReturnSubscriptionArn)."""
        from moto.core.responses import ActionResult

        from drillbook.embedded.topics.subscriptions import is_pending

        answer = original(response)
        made = response.backend.subscriptions.get(answer.result["SubscriptionArn"])
        if made is not None and is_pending(made) and not response._get_bool_param("ReturnSubscriptionArn"):
            return ActionResult({"SubscriptionArn": "pending confirmation"})
        return answer

    return subscribe


def _confirm_subscription(response: SNSResponse) -> Any:
    """https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html"""
    from moto.core.responses import ActionResult
    from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError

    from drillbook.embedded.topics.subscriptions import confirm

    topic = response._get_param("TopicArn")
    if topic not in response.backend.topics:
        raise SNSNotFoundError("Topic does not exist")
    found = confirm(response.backend, topic, response._get_param("Token"))
    if found is None:
        raise SNSInvalidParameter("Invalid parameter: Token")
    return ActionResult({"SubscriptionArn": found.arn})


def _listing(original: Callable[[SNSResponse], Any]) -> Callable[[SNSResponse], Any]:
    def listed(response: SNSResponse) -> Any:
        answer = original(response)
        answer.result["Subscriptions"] = [_told(one) for one in answer.result["Subscriptions"]]
        return answer

    return listed


def _told(subscription: Subscription) -> dict[str, str]:
    from drillbook.embedded.topics.subscriptions import is_pending

    return {
        "SubscriptionArn": "PendingConfirmation" if is_pending(subscription) else subscription.arn,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic.arn,
    }
