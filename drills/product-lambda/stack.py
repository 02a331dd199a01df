"""Stands the product catalogue up on the embedded cloud or on LocalStack. On AWS nothing here runs.

Everything is made if it is not there and left alone if it is; it all carries the tag chaos=allowed.
"""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drillbook.aws.failures import calling
from drillbook.aws.functions import wait_until_settled
from drillbook.aws.session import Session, acting, session_of
from drillbook.waiting import wait_for

from . import seed

if TYPE_CHECKING:
    from drillbook.world import World

TABLE = "products"
STAGING_TABLE = "products-staging"
API = "product-api"
STAGE = "v1"
ROLE = "product-lambda"
TAGS = {"chaos": "allowed", "service": "product-lambda"}
TAG_LIST = [{"Key": key, "Value": value} for key, value in TAGS.items()]
PACKAGES = {
    "product-list": "list_products",
    "product-get": "get_product",
    "product-create": "create_product",
    "product-update": "update_product",
    "product-delete": "delete_product",
}
"""Function name → the module its package is named for, as in the runbook's ``list_products.zip``."""
ROUTES = {
    ("/products", "GET"): "product-list",
    ("/products", "POST"): "product-create",
    ("/products/{id}", "GET"): "product-get",
    ("/products/{id}", "PUT"): "product-update",
    ("/products/{id}", "DELETE"): "product-delete",
}
PREVIOUS, CURRENT = "1.0.0", "1.1.0"
APP = Path(__file__).with_name("app")


def stand_up(world: World) -> dict[str, str]:
    """Make what is missing; the API's URL as ``front_door``."""
    session = session_of(world)
    with acting("stand up"), calling(f"stand up the product catalogue at {session.place}"):
        artifacts(session)
        tables(world)
        api = front_door(session, functions(world))
        alarms(session)
        return {"front_door": f"{session.endpoint}/_aws/execute-api/{api}/{STAGE}"}


def bucket_of(session: Session) -> str:
    return f"product-artifacts-{session.account}"


def current_artifact(session: Session, function: str) -> str:
    return f"{bucket_of(session)}/current/{PACKAGES[function]}.zip"


def previous_artifact(session: Session, function: str) -> str:
    return f"{bucket_of(session)}/previous-version/{PACKAGES[function]}.zip"


# -- packages ---------------------------------------------------------------------------------------------------------


def artifacts(session: Session) -> None:
    """A versioned bucket with two builds of each package; ``current/`` holds both, the newer one on top."""
    s3 = session.client("s3")
    bucket = bucket_of(session)
    if bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        return
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": session.region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for module in PACKAGES.values():
        s3.put_object(Bucket=bucket, Key=f"previous-version/{module}.zip", Body=package(module, PREVIOUS))
        for build in (PREVIOUS, CURRENT):
            s3.put_object(Bucket=bucket, Key=f"current/{module}.zip", Body=package(module, build))
    # Last: it says that the bucket is whole.
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": TAG_LIST})


def package(module: str, build: str) -> bytes:
    """The deployment package of one function; the same bytes for the same build."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in (f"{module}.py", "catalogue.py"):
            archive.writestr(zipfile.ZipInfo(file), (APP / file).read_text())
        archive.writestr(zipfile.ZipInfo("BUILD"), build)
    return packed.getvalue()


# -- tables -----------------------------------------------------------------------------------------------------------


def tables(world: World) -> None:
    """The product table with everything a restore would drop, and a staging table that looks much like it."""
    dynamodb = session_of(world).client("dynamodb")
    present = dynamodb.list_tables()["TableNames"]
    if STAGING_TABLE not in present:
        _create_table(world, STAGING_TABLE)
    if TABLE not in present:
        _create_table(world, TABLE, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    _protect(dynamodb)
    _fill(world)


def _create_table(world: World, name: str, **rest: Any) -> None:
    dynamodb = session_of(world).client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=TAG_LIST,
        **rest,
    )
    wait_for(
        f"the table {name} becoming active",
        lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE",
        timeout=60,
        interval=0.05,
        clock=world.clock,
    )


def _protect(dynamodb: Any) -> None:
    """Point-in-time recovery before the first product is written, so that its window covers every one."""
    backups = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
        dynamodb.update_continuous_backups(
            TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    if dynamodb.describe_time_to_live(TableName=TABLE)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED":
        specification = {"Enabled": True, "AttributeName": "expires_at"}
        dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification=specification)


def _fill(world: World) -> None:
    """Write the products once, and let the clock reach the next second: PITR knows only whole ones."""
    dynamodb = session_of(world).client("dynamodb")
    items = list(seed.products().values())
    if "Item" in dynamodb.get_item(TableName=TABLE, Key={"id": items[-1]["id"]}):
        return
    for item in items:
        dynamodb.put_item(TableName=TABLE, Item=item)
    dynamodb.put_item(TableName=STAGING_TABLE, Item={**items[0], "name": {"S": "a product on trial"}})
    now = world.clock.now()
    next_second = now.replace(microsecond=0) + timedelta(seconds=1)
    world.clock.sleep((next_second - now).total_seconds())


# -- functions --------------------------------------------------------------------------------------------------------


def functions(world: World) -> dict[str, str]:
    """The five functions with a published version each; their ARNs by name."""
    session = session_of(world)
    role = _role(session)
    client = session.client("lambda")
    pages = client.get_paginator("list_functions").paginate()
    arns = {each["FunctionName"]: each["FunctionArn"] for page in pages for each in page["Functions"]}
    for name in PACKAGES.keys() - arns.keys():
        arns[name] = _create_function(session, name, role)
        wait_until_settled(client, name, world.clock)
    for name in PACKAGES:
        if len(client.list_versions_by_function(FunctionName=name)["Versions"]) < 2:
            client.publish_version(FunctionName=name)
    return arns


def _create_function(session: Session, name: str, role: str) -> str:
    answer = session.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler=f"{PACKAGES[name]}.handler",
        Code={"S3Bucket": bucket_of(session), "S3Key": f"current/{PACKAGES[name]}.zip"},
        Environment={"Variables": _environment()},
        Timeout=10,
        MemorySize=256,
        Tags=TAGS,
    )
    arn: str = answer["FunctionArn"]
    return arn


def _environment() -> dict[str, str]:
    """The variables of the runbook, and one that a careless repoint would lose."""
    return {
        "DYNAMODB_TABLE": TABLE,
        "ENVIRONMENT": "prod",
        "LOG_LEVEL": "INFO",
        "PRICING_API_KEY": "an-example-and-no-secret",
    }


def _role(session: Session) -> str:
    iam = session.client("iam")
    trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",'
    trust += ' "Principal": {"Service": "lambda.amazonaws.com"}}]}'
    try:
        arn: str = iam.get_role(RoleName=ROLE)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trust, Tags=TAG_LIST)["Role"]["Arn"]
    return arn


# -- the API ----------------------------------------------------------------------------------------------------------


def front_door(session: Session, arns: dict[str, str]) -> str:
    """The REST API; its id. A half-made one (no stage) is thrown away and made again."""
    gateway = session.client("apigateway")
    for api in gateway.get_rest_apis(limit=500)["items"]:
        if api["name"] == API and gateway.get_stages(restApiId=api["id"])["item"]:
            found: str = api["id"]
            return found
        if api["name"] == API:
            gateway.delete_rest_api(restApiId=api["id"])
    return _create_api(session, arns)


def _create_api(session: Session, arns: dict[str, str]) -> str:
    gateway = session.client("apigateway")
    api: str = gateway.create_rest_api(name=API, endpointConfiguration={"types": ["REGIONAL"]}, tags=TAGS)["id"]
    resources = _resources(gateway, api)
    for (path, method), function in ROUTES.items():
        _route(session, api, resources[path], method, arns[function])
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName=STAGE, deploymentId=deployment, tags=TAGS)
    return api


def _resources(gateway: Any, api: str) -> dict[str, str]:
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    products = gateway.create_resource(restApiId=api, parentId=root, pathPart="products")["id"]
    one = gateway.create_resource(restApiId=api, parentId=products, pathPart="{id}")["id"]
    return {"/products": products, "/products/{id}": one}


def _route(session: Session, api: str, resource: str, method: str, function: str) -> None:
    where = {"restApiId": api, "resourceId": resource, "httpMethod": method}
    gateway = session.client("apigateway")
    gateway.put_method(**where, authorizationType="NONE")
    invocation = f"arn:aws:apigateway:{session.region}:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation)
    session.client("lambda").add_permission(
        FunctionName=function,
        StatementId=f"api-{api}",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{session.region}:{session.account}:{api}/*",
    )


# -- alarms -----------------------------------------------------------------------------------------------------------


def alarms(session: Session) -> None:
    """Two alarms that detect, and one on the table itself which a restored table would be without."""
    _alarm(session, "product-api-5xx", "AWS/ApiGateway", "5XXError", {"ApiName": API})
    _alarm(session, "product-list-errors", "AWS/Lambda", "Errors", {"FunctionName": "product-list"})
    _alarm(session, "product-table-throttled", "AWS/DynamoDB", "ThrottledRequests", {"TableName": TABLE})


def _alarm(session: Session, name: str, namespace: str, metric: str, dimensions: dict[str, str]) -> None:
    cloudwatch = session.client("cloudwatch")
    if cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]:
        return
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        Tags=TAG_LIST,
    )
