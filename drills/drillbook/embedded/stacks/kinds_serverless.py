"""Types that run requests: Lambda, API Gateway, IAM roles.

Properties and return values: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from drillbook.embedded.stacks.kind import Call, Kind, Later, Properties

_FUNCTION = Kind(
    "lambda",
    "create_function",
    "properties.FunctionName",
    Call("delete_function", "{FunctionName: id}"),
    name="FunctionName",
    shape=lambda properties: _with_code(properties),
    update="update_function_configuration",
    update_given="{FunctionName: id}",
    keep=frozenset({"FunctionName", "PackageType", "Architectures", "Tags"}),
    later=(
        Later(
            "ReservedConcurrentExecutions",
            Call("put_function_concurrency", "{FunctionName: id, ReservedConcurrentExecutions: value}"),
        ),
    ),
    describe=Call("get_function", "{FunctionName: id}"),
    ready="Configuration.State == 'Active' && Configuration.LastUpdateStatus != 'InProgress'",
    failed="Configuration.State == 'Failed'",
    attributes="{Arn: answer.Configuration.FunctionArn}",
)


def _with_code(properties: Properties) -> Properties:
    """Inline code is text in a template; the API takes the archive."""
    code = dict(properties.get("Code", {}))
    if isinstance(source := code.get("ZipFile"), str):
        file = "index.js" if str(properties.get("Runtime", "")).startswith("nodejs") else "index.py"
        code["ZipFile"] = _zipped(file, source)
    return properties | {"Code": code} if code else properties


def _zipped(file: str, source: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(file), source)
    return packed.getvalue()


_VERSION = Kind(
    "lambda",
    "publish_version",
    "answer.FunctionArn",
    Call("delete_function", "{FunctionName: properties.FunctionName, Qualifier: attributes.Version}"),
    attributes="{Version: answer.Version, FunctionArn: answer.FunctionArn}",
)
_ALIAS = Kind(
    "lambda",
    "create_alias",
    "answer.AliasArn",
    Call("delete_alias", "{FunctionName: properties.FunctionName, Name: properties.Name}"),
    shape=lambda properties: _with_weights(properties),
    update="update_alias",
    update_given="{FunctionName: properties.FunctionName, Name: properties.Name}",
    keep=frozenset({"FunctionName", "Name"}),
    attributes="{AliasArn: id}",
)


def _with_weights(properties: Properties) -> Properties:
    weights = properties.get("RoutingConfig", {}).get("AdditionalVersionWeights", [])
    by_version = {each["FunctionVersion"]: each["FunctionWeight"] for each in weights}
    routing = {"RoutingConfig": {"AdditionalVersionWeights": by_version}} if "RoutingConfig" in properties else {}
    return properties | routing


_PERMISSION = Kind(
    "lambda",
    "add_permission",
    "properties.StatementId",
    Call("remove_permission", "{FunctionName: properties.FunctionName, StatementId: id}"),
    name="StatementId",
)
_ROLE = Kind(
    "iam",
    "create_role",
    "properties.RoleName",
    Call("delete_role", "{RoleName: id}"),
    name="RoleName",
    shape=lambda properties: _documents(properties, "AssumeRolePolicyDocument"),
    attributes="{Arn: answer.Role.Arn, RoleId: answer.Role.RoleId}",
    describe=Call("get_role", "{RoleName: id}"),
    later=(
        Later(
            "Policies",
            Call(
                "put_role_policy",
                "{RoleName: id, PolicyName: value.PolicyName, PolicyDocument: value.PolicyDocument}",
            ),
            shape=lambda said: _documents(said, "PolicyDocument"),
            each=True,
            unset=Call("delete_role_policy", "{RoleName: id, PolicyName: value.PolicyName}"),
        ),
        Later(
            "ManagedPolicyArns",
            Call("attach_role_policy", "{RoleName: id, PolicyArn: value}"),
            each=True,
            unset=Call("detach_role_policy", "{RoleName: id, PolicyArn: value}"),
        ),
    ),
)


def _documents(properties: Properties, *names: str) -> Properties:
    return {
        name: json.dumps(value) if name in names and not isinstance(value, str) else value
        for name, value in properties.items()
    }


_API = Kind(
    "apigateway",
    "create_rest_api",
    "answer.id",
    Call("delete_rest_api", "{restApiId: id}"),
    describe=Call("get_resources", "{restApiId: id}"),
    attributes="{RestApiId: id, RootResourceId: answer.items[?path=='/'].id | [0]}",
)
_RESOURCE = Kind(
    "apigateway",
    "create_resource",
    "answer.id",
    Call("delete_resource", "{restApiId: properties.RestApiId, resourceId: id}"),
    attributes="{ResourceId: id}",
)
_OF_METHOD = "{restApiId: properties.RestApiId, resourceId: properties.ResourceId, httpMethod: properties.HttpMethod}"
_METHOD = Kind(
    "apigateway",
    "put_method",
    "join('-', [properties.RestApiId, properties.ResourceId, properties.HttpMethod])",
    Call("delete_method", _OF_METHOD),
    later=(
        Later("MethodResponses", Call("put_method_response", f"merge(value, {_OF_METHOD})"), each=True),
        Later(
            "Integration",
            Call("put_integration", f"merge(value, {_OF_METHOD})"),
            shape=lambda said: {name: value for name, value in said.items() if name != "IntegrationResponses"},
        ),
        Later(
            "Integration",
            Call("put_integration_response", f"merge(value, {_OF_METHOD})"),
            part="IntegrationResponses",
        ),
    ),
)
_DEPLOYMENT = Kind(
    "apigateway",
    "create_deployment",
    "answer.id",
    Call("delete_deployment", "{restApiId: properties.RestApiId, deploymentId: id}"),
    attributes="{DeploymentId: id}",
)
_STAGE = Kind(
    "apigateway",
    "create_stage",
    "properties.StageName",
    Call("delete_stage", "{restApiId: properties.RestApiId, stageName: id}"),
    later=(
        Later(
            "MethodSettings",
            Call(
                "update_stage",
                "{restApiId: properties.RestApiId, stageName: properties.StageName, patchOperations: value}",
            ),
            shape=lambda said: [patch for each in said for patch in _throttles(each)],
        ),
    ),
)


def _throttles(said: dict[str, Any]) -> list[dict[str, str]]:
    """https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html#UpdateStage-Patch"""
    path = str(said.get("ResourcePath", "/*")).strip("/").replace("/", "~1")
    prefix = f"/{path if path == '*' else f'~1{path}'}/{said.get('HttpMethod', '*')}"
    limits = {"ThrottlingRateLimit": "throttling/rateLimit", "ThrottlingBurstLimit": "throttling/burstLimit"}
    return [
        {"op": "replace", "path": f"{prefix}/{limits[name]}", "value": str(value)}
        for name, value in said.items()
        if name in limits
    ]


_DOMAIN = Kind(
    "apigateway",
    "create_domain_name",
    "properties.DomainName",
    Call("delete_domain_name", "{domainName: id}"),
    attributes="""{RegionalDomainName: answer.regionalDomainName, RegionalHostedZoneId: answer.regionalHostedZoneId,
        DistributionDomainName: answer.distributionDomainName}""",
)
_MAPPING = Kind(
    "apigateway",
    "create_base_path_mapping",
    "join('|', [properties.DomainName, properties.BasePath || '(none)'])",
    Call("delete_base_path_mapping", "{domainName: properties.DomainName, basePath: properties.BasePath || '(none)'}"),
)

KINDS = {
    "AWS::Lambda::Function": _FUNCTION,
    "AWS::Lambda::Version": _VERSION,
    "AWS::Lambda::Alias": _ALIAS,
    "AWS::Lambda::Permission": _PERMISSION,
    "AWS::IAM::Role": _ROLE,
    "AWS::ApiGateway::RestApi": _API,
    "AWS::ApiGateway::Resource": _RESOURCE,
    "AWS::ApiGateway::Method": _METHOD,
    "AWS::ApiGateway::Deployment": _DEPLOYMENT,
    "AWS::ApiGateway::Stage": _STAGE,
    "AWS::ApiGateway::DomainName": _DOMAIN,
    "AWS::ApiGateway::BasePathMapping": _MAPPING,
}
