"""Makes, changes and removes one resource of a stack, by calls to the AWS API of this same cloud."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import botocore.session
import jmespath
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from drillbook.embedded.planes import CloudState
from drillbook.embedded.stacks.fitting import NotSimulated, fitted
from drillbook.embedded.stacks.kind import Call, Kind, Later, Properties, Resource
from drillbook.waiting import wait_for

CALLER = "cloudformation.amazonaws.com"
"""The user agent of the calls, by which CloudTrail tells that CloudFormation made them."""
READY = 300.0
"""Seconds, not scaled, that a resource may take to be ready."""
_POLL = 0.05


class Failed(Exception):
    """A resource cannot be made, changed or removed. Says why, as the stack's event does."""


class Clients:
    """The cloud's own API, for one account and region; clients are made when first needed."""

    def __init__(self, cloud: CloudState, account: str, region: str) -> None:
        self._cloud, self._account, self.region = cloud, account, region
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def account(self) -> str:
        return self._account

    def __call__(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]

    def _make(self, service: str) -> Any:
        session = botocore.session.Session()
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        config = Config(
            retries={"total_max_attempts": 2},
            user_agent=CALLER,
            s3={"addressing_style": "path"},
        )
        client = session.create_client(
            service,
            region_name=self.region,
            endpoint_url=self._cloud.endpoint,
            aws_access_key_id="cloudformation",
            aws_secret_access_key="cloudformation",  # noqa: S106 - the embedded cloud checks none
            config=config,
        )
        client.meta.events.register("before-send.*", self._for_account)
        return client

    def _for_account(self, request: Any, **_: object) -> None:
        request.headers["x-moto-account-id"] = self._account


class Builder:
    """Every method raises Failed with the service's own words."""

    def __init__(self, clients: Clients, cloud: CloudState) -> None:
        self._clients, self._cloud = clients, cloud

    def create(self, kind: Kind, resource: Resource) -> None:
        """Make it and give it its physical id as soon as it has one; return when it is ready."""
        operation = kind.operation(resource.properties)
        answer = self._call(kind, operation, self._create_parameters(kind, resource))
        found = kind.identity(answer) if callable(kind.identity) else self._search(kind.identity, resource, answer)
        resource.physical_resource_id = str(found)
        self._settle(kind, resource, answer)
        for later in kind.later:
            if (value := resource.properties.get(later.property)) is not None:
                self._set(kind, resource, later, value)
        if kind.later and kind.describe:
            self._settle(kind, resource, answer)

    def update(self, kind: Kind, resource: Resource, wanted: Properties) -> bool:
        """Change it in place; False if that is impossible, so that it must be replaced. Nothing is changed then."""
        names = wanted.keys() | resource.properties.keys()
        changed = {name for name in names if wanted.get(name) != resource.properties.get(name)} - kind.ignored
        later = [each for each in kind.later if each.property in changed]
        direct = changed - {each.property for each in later}
        stuck = [each for each in later if each.property not in wanted and each.off is None]
        if stuck or direct & kind.keep or (direct and not kind.update):
            return False
        if direct:
            self._call(kind, kind.update, self._update_parameters(kind, resource, wanted, direct))
            self._settle(kind, resource, {})
        for each in later:
            self._set(kind, resource, each, wanted.get(each.property, each.off))
        resource.properties = wanted
        self._settle(kind, resource, {})
        return True

    def delete(self, kind: Kind, resource: Resource, final: str | None) -> None:
        """Remove it. What is gone already is no failure."""
        if not resource.physical_resource_id:
            return
        parameters = kind.delete.parameters(**self._context(resource, {}), final=final)
        try:
            self._unset(kind, resource)
            self._call(kind, kind.delete.operation, parameters)
            self._await_gone(kind, resource)
        except Failed as error:
            if not _is_gone(error.__cause__):
                raise

    def _create_parameters(self, kind: Kind, resource: Resource) -> dict[str, Any]:
        later = {each.property for each in kind.later}
        direct = {name: value for name, value in resource.properties.items() if name not in later | kind.ignored}
        return kind.shape(direct) | Call("", kind.given).parameters(**self._context(resource, {}))

    def _update_parameters(
        self, kind: Kind, resource: Resource, wanted: Properties, changed: set[str]
    ) -> dict[str, Any]:
        named = {name: value for name, value in wanted.items() if name in changed}
        shaped = {} if callable(kind.update_given) else kind.shape(named)
        given = Call(kind.update, kind.update_given).parameters(**self._context(resource, {}) | {"properties": wanted})
        return shaped | given

    def _set(self, kind: Kind, resource: Resource, later: Later, value: Any) -> None:
        for each in later.values(value):
            context = self._context(resource, {}) | {"value": later.shape(each)}
            self._call(kind, later.call.operation, later.call.parameters(**context))

    def _unset(self, kind: Kind, resource: Resource) -> None:
        for later in kind.later:
            if later.unset is not None and (value := resource.properties.get(later.property)) is not None:
                for each in later.values(value):
                    parameters = later.unset.parameters(**self._context(resource, {}), value=each)
                    self._call(kind, later.unset.operation, parameters)

    def _settle(self, kind: Kind, resource: Resource, answer: dict[str, Any]) -> None:
        """Wait until it is ready, and learn its attributes."""
        if kind.describe is not None:
            answer = self._await_ready(kind, resource, kind.describe)
        resource.attributes = self._search(kind.attributes, resource, answer)

    def _await_ready(self, kind: Kind, resource: Resource, describe: Call) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            return self._call(kind, describe.operation, describe.parameters(**self._context(resource, {})))

        def settled(answer: dict[str, Any]) -> bool:
            if kind.failed and jmespath.search(kind.failed, answer):
                raise Failed(f"{resource.physical_resource_id} did not become ready")
            return not kind.ready or bool(jmespath.search(kind.ready, answer))

        what = f"{resource.physical_resource_id} being ready"
        return wait_for(what, look, until=settled, timeout=READY, interval=_POLL, clock=self._cloud.clock)

    def _await_gone(self, kind: Kind, resource: Resource) -> None:
        if kind.describe is None or not kind.ready:
            return
        describe = kind.describe
        parameters = describe.parameters(**self._context(resource, {}))
        self._wait_until_fails(lambda: self._call(kind, describe.operation, parameters), resource)

    def _wait_until_fails(self, look: Callable[[], object], resource: Resource) -> None:
        def gone() -> bool:
            try:
                look()
            except Failed as error:
                if _is_gone(error.__cause__):
                    return True
                raise
            return False

        what = f"{resource.physical_resource_id} being gone"
        wait_for(what, gone, timeout=READY, interval=_POLL, clock=self._cloud.clock)

    def _call(self, kind: Kind, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """One call, made when the region is alive: CloudFormation waits for a region to come back."""
        client = self._clients(kind.service)
        shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape
        while self._cloud.domains.now.dark(self._clients.region):
            self._cloud.clock.sleep(_POLL)
        try:
            given = fitted(parameters, shape, "Properties") if shape else {}
            return dict(getattr(client, operation)(**given))
        except NotSimulated as error:
            raise Failed(str(error)) from error
        except ClientError as error:
            told, status = error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
            words = f"{told.get('Message', '')} (Service: {kind.service}, Status Code: {status}, Code: {told['Code']})"
            raise Failed(words) from error
        except BotoCoreError as error:
            raise Failed(" ".join(str(error).split())) from error

    def _search(self, expression: str, resource: Resource, answer: dict[str, Any]) -> Any:
        return jmespath.search(expression, self._context(resource, answer))

    def _context(self, resource: Resource, answer: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": resource.physical_resource_id,
            "properties": resource.properties,
            "attributes": dict(resource.attributes),
            "answer": answer,
            "account": self._clients.account,
            "region": self._clients.region,
        }


def _is_gone(error: BaseException | None) -> bool:
    """A resource that somebody deleted out of band is deleted."""
    if not isinstance(error, ClientError):
        return False
    code = error.response["Error"]["Code"]
    return "NotFound" in code or "NoSuch" in code or "NonExistent" in code or "DoesNotExist" in code or code == "404"
