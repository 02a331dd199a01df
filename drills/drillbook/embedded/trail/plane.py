"""CloudTrail: an event of every management call that this cloud has answered, whoever made it.

What data planes do (items, objects, messages, invocations) is no management event and not in the event history:
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock
from uuid import uuid4

from drillbook.embedded import keeping
from drillbook.embedded.planes import CloudState
from drillbook.embedded.trail.event import Event, resources_of
from drillbook.embedded.trail.history import History, InvalidLookup
from drillbook.events import Json

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

_SOURCES = {"cloudwatch": "monitoring", "stepfunctions": "states", "elbv2": "elasticloadbalancing"}
"""Where an event source is not named as the SDK names the service."""
_GLOBAL = {"iam", "route53", "cloudfront", "organizations"}
_DATA = {
    "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "ExecuteTransaction",
    "GetItem", "GetRecords", "GetShardIterator", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems",
    "UpdateItem", "Invoke", "InvokeAsync", "Publish", "PublishBatch", "SendMessage", "SendMessageBatch",
    "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "PutLogEvents", "PutMetricData", "GetMetricData",
    "GetMetricStatistics", "FilterLogEvents", "GetLogEvents", "ListObjects", "ListObjectsV2", "ListObjectVersions",
    "HeadBucket", "DeleteObjects", "CreateSession",
}  # fmt: skip
_LAMBDA_V2 = {
    "AddPermission", "GetFunction", "GetFunctionConfiguration", "GetPolicy", "RemovePermission", "UpdateFunctionCode",
    "UpdateFunctionConfiguration",
}  # fmt: skip
_CODE = re.compile(r"<Code>([\w.]+)</Code>|\"__type\":\s*\"(?:[^\"#]*#)?([\w.]+)\"")


def plane() -> Trail:
    return Trail()


class Trail:
    """Listens at moto's one place through which calls go."""

    name = "cloudtrail"

    def __init__(self) -> None:
        self._undo = ExitStack()

    def install(self, cloud: CloudState) -> None:
        from moto.cloudtrail.responses import CloudTrailResponse
        from moto.core.responses import BaseResponse
        from moto.s3.responses import S3Response

        self._cloud, self._history = cloud, History(cloud)
        lookup = mock.patch.object(CloudTrailResponse, "lookup_events", _lookup_events(self._history), create=True)
        for replaced in (
            mock.patch.object(BaseResponse, "call_action", self._telling(BaseResponse.call_action)),
            mock.patch.object(S3Response, "bucket_response", self._telling_buckets(S3Response.bucket_response)),
            lookup,
        ):
            self._undo.enter_context(replaced)

    def status(self) -> dict[str, Json]:
        return {"events": len(self._history.events)}

    def save(self, folder: Path) -> None:
        keeping.write(folder, list(self._history.events))

    def load(self, folder: Path) -> None:
        self._history.events.extend(keeping.read(folder) or ())

    def close(self) -> None:
        self._undo.close()

    def _telling(self, original: Callable[[BaseResponse], Any]) -> Callable[[BaseResponse], Any]:
        def call_action(response: BaseResponse) -> Any:
            answer = original(response)
            self._tell(response, response._get_action(), answer, getattr(response, "params", None))
            return answer

        return call_action

    def _telling_buckets(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def bucket_response(response: BaseResponse, request: Any, *rest: Any) -> Any:
            answer = original(response, request, *rest)
            bucket = response.parse_bucket_name_from_url(request, rest[0])  # type: ignore[attr-defined]
            self._tell(response, response._get_action(), answer, {"Bucket": bucket})
            return answer

        return bucket_response

    def _tell(self, response: BaseResponse, action: str | None, answer: Any, parameters: Any) -> None:
        if not action or action in _DATA:
            return
        service = str(response.boto3_service_name)
        region = "us-east-1" if service in _GLOBAL else str(response.region)
        self._history.events.append(
            Event(
                id=str(uuid4()),
                at=self._cloud.clock.now().timestamp(),
                name=_event_name(service, action, str(response.path)),
                source=f"{_SOURCES.get(service, service)}.amazonaws.com",
                account=str(response.current_account),
                region=region,
                user=_user(str(response.get_access_key()), str(response.current_account)),
                access_key=str(response.get_access_key()),
                agent=str(response.headers.get("User-Agent", "")),
                resources=resources_of(parameters if isinstance(parameters, dict) else {}),
                error=_error(answer),
            )
        )


def _event_name(service: str, action: str, path: str) -> str:
    """Lambda's carry the version of its API ("Using CloudTrail with Lambda", developer guide)."""
    date = path.strip("/").partition("/")[0].replace("-", "")
    if service != "lambda" or not date.isdigit():
        return action
    return f"{action}{date}{'v2' if action in _LAMBDA_V2 else ''}"


def _user(access_key: str, account: str) -> str:
    """The owner of the access key, the session's name of an assumed role, else the account's own user."""
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    key = iam_backends[account]["aws"].access_keys.get(access_key)
    if key is not None and key.user_name:
        return str(key.user_name)
    roles = sts_backends[account]["aws"].assumed_roles
    return next((str(role.session_name) for role in roles if role.access_key_id == access_key), "root")


def _error(answer: Any) -> str:
    """The error code of a refused call, as the service names it."""
    status, headers, body = answer
    if int(status) < 400:
        return ""
    if named := headers.get("x-amzn-errortype") or headers.get("x-amzn-ErrorType"):
        return str(named)
    found = _CODE.search(body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body))
    return next((code for code in found.groups() if code), "") if found else str(status)


def _lookup_events(history: History) -> Callable[[Any], Any]:
    def lookup_events(response: Any) -> Any:
        asked = json.loads(response.body or "{}")
        try:
            events, token = history.lookup(response.current_account, response.region, asked)
        except InvalidLookup as refused:
            from moto.core.exceptions import JsonRESTError

            raise JsonRESTError(refused.code, str(refused)) from refused
        answer: dict[str, Any] = {"Events": [event.summary() for event in events]}
        return json.dumps(answer | ({"NextToken": token} if token else {}))

    return lookup_events
