"""Which function each method of the API leads to, and the API itself as it is found in a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drillbook.errors import PermanentError

from .names import API

if TYPE_CHECKING:
    from drillbook.aws.session import Session

ROUTES = {
    ("/products", "GET"): "product-list",
    ("/products", "POST"): "product-create",
    ("/products/{id}", "GET"): "product-get",
    ("/products/{id}", "PUT"): "product-update",
    ("/products/{id}", "DELETE"): "product-delete",
}


def api_of(session: Session, region: str | None = None) -> str:
    """The id of the REST API. Raises PermanentError if there is none."""
    found = session.client("apigateway", region).get_rest_apis(limit=500)["items"]
    for api in found:
        if api["name"] == API:
            return str(api["id"])
    raise PermanentError(f"there is no API {API}", code="NotFoundException", do="deploy the application's stack")


def resources_of(gateway: Any, api: str) -> dict[str, str]:
    """The API's resources: path → id."""
    pages = gateway.get_paginator("get_resources").paginate(restApiId=api)
    return {each["path"]: each["id"] for page in pages for each in page["items"]}


def invocation(session: Session, function: str, region: str | None = None) -> str:
    """What a method's integration calls, as the template says it."""
    place = region or session.region
    arn = f"arn:aws:lambda:{place}:{session.account}:function:{function}"
    return f"arn:aws:apigateway:{place}:lambda:path/2015-03-31/functions/{arn}/invocations"
