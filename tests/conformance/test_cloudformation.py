"""CloudFormation: resources are the true ones, or the stack fails."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from botocore.exceptions import ClientError

from drillbook.clock import SystemClock
from drillbook.waiting import wait_for

Client = Callable[..., Any]
_GUIDE = "https://docs.aws.amazon.com/AWSCloudFormation/latest"


def table(name: str, **more: Any) -> dict[str, Any]:
    keys = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    return {"Type": "AWS::DynamoDB::Table", "Properties": keys | more}


def made(client: Client, name: str, resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The stack once it has settled."""
    outputs = more.pop("outputs", {})
    body = json.dumps({"Resources": resources, "Outputs": outputs})
    client("cloudformation").create_stack(StackName=name, TemplateBody=body, **more)
    return settled(client, name)


def settled(client: Client, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        return dict(client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])

    def done(stack: dict[str, Any]) -> bool:
        return not stack["StackStatus"].endswith("_IN_PROGRESS")

    return wait_for(f"the stack {name}", look, until=done, timeout=40, interval=0.05, clock=SystemClock())


def events(client: Client, name: str) -> list[tuple[str, str]]:
    found = client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(found)]


@pytest.mark.rule(
    "a stack's table has the recovery, the stream and the time to live that the template says",
    f"{_GUIDE}/TemplateReference/aws-resource-dynamodb-table.html",
)
def test_a_table_with_everything(client: Client) -> None:
    more = {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
        "DeletionProtectionEnabled": False,
    }
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}}}
    stack = made(client, "cfn-table", {"Table": table("cfn-table", **more)}, outputs=outputs)

    dynamodb = client("dynamodb")
    found = dynamodb.describe_table(TableName="cfn-table")["Table"]
    backups = dynamodb.describe_continuous_backups(TableName="cfn-table")["ContinuousBackupsDescription"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == found["TableArn"]
    assert found["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    expiry = dynamodb.describe_time_to_live(TableName="cfn-table")["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] in ("ENABLING", "ENABLED")


@pytest.mark.rule(
    "a resource type that cannot be made fails the stack, and what was made before is rolled back",
    f"{_GUIDE}/UserGuide/stack-failure-options.html",
)
def test_an_unknown_type_is_never_complete(client: Client) -> None:
    resources = {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "cfn-unknown"}},
        "Bogus": {"Type": "AWS::Example::Nothing", "DependsOn": "Topic"},
    }
    try:
        stack = made(client, "cfn-unknown", resources)
    except client("cloudformation").exceptions.ClientError as refused:
        if refused.response["Error"]["Code"] != "ValidationError":
            raise
    else:
        assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
        assert ("Bogus", "CREATE_FAILED") in events(client, "cfn-unknown")
    topics = client("sns").list_topics()["Topics"]
    assert not [topic for topic in topics if topic["TopicArn"].endswith(":cfn-unknown")]


@pytest.mark.rule(
    "a resource that its service refuses fails the stack with the service's reason",
    f"{_GUIDE}/UserGuide/troubleshooting.html",
)
def test_a_refused_resource_fails_the_stack(client: Client) -> None:
    client("dynamodb").create_table(**table("cfn-taken")["Properties"])

    stack = made(client, "cfn-refused", {"Table": table("cfn-taken")})

    found = client("cloudformation").describe_stack_events(StackName="cfn-refused")["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in found if event["ResourceStatus"] == "CREATE_FAILED"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "exist" in reasons[0].lower()
    assert client("dynamodb").describe_table(TableName="cfn-taken")["Table"]["TableStatus"] == "ACTIVE"


@pytest.mark.rule(
    "deleting a stack succeeds though one of its resources was deleted out of band",
    f"{_GUIDE}/APIReference/API_DeleteStack.html",
)
def test_deleting_a_damaged_stack(client: Client) -> None:
    resources = {"Table": table("cfn-damaged"), "Topic": {"Type": "AWS::SNS::Topic"}}
    stack = made(client, "cfn-damaged", resources)
    client("dynamodb").delete_table(TableName="cfn-damaged")

    client("cloudformation").delete_stack(StackName="cfn-damaged")

    assert settled(client, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.rule(
    "a resource with the deletion policy Retain outlives its stack",
    f"{_GUIDE}/TemplateReference/aws-attribute-deletionpolicy.html",
)
def test_a_retained_resource_outlives_its_stack(client: Client) -> None:
    stack = made(client, "cfn-retain", {"Table": table("cfn-retain") | {"DeletionPolicy": "Retain"}})

    client("cloudformation").delete_stack(StackName="cfn-retain")

    assert settled(client, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert client("dynamodb").describe_table(TableName="cfn-retain")["Table"]["TableStatus"] == "ACTIVE"


@pytest.mark.rule(
    "an update changes a resource in place, adds and removes others, and tells it as events",
    f"{_GUIDE}/UserGuide/using-cfn-updating-stacks-direct.html",
)
def test_an_update(client: Client) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "cfn-update"}}
    made(client, "cfn-update", {"Table": table("cfn-update"), "Topic": topic})
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    setting = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "cfn-update", "Type": "String", "Value": "x"}}
    after = {"Table": table("cfn-update", **recovery), "Setting": setting}

    client("cloudformation").update_stack(StackName="cfn-update", TemplateBody=json.dumps({"Resources": after}))

    assert settled(client, "cfn-update")["StackStatus"] == "UPDATE_COMPLETE"
    backups = client("dynamodb").describe_continuous_backups(TableName="cfn-update")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert client("ssm").get_parameter(Name="cfn-update")["Parameter"]["Value"] == "x"
    told = events(client, "cfn-update")
    assert ("Table", "UPDATE_COMPLETE") in told
    assert ("Topic", "DELETE_COMPLETE") in told


@pytest.mark.rule(
    "an update that fails is rolled back to the template before",
    f"{_GUIDE}/UserGuide/using-cfn-updating-stacks-continueupdaterollback.html",
)
def test_a_failed_update_is_rolled_back(client: Client) -> None:
    client("dynamodb").create_table(**table("cfn-back-taken")["Properties"])
    made(client, "cfn-back", {"Table": table("cfn-back")})
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    second = table("cfn-back-taken") | {"DependsOn": "Table"}
    after = {"Table": table("cfn-back", **recovery), "Second": second}

    client("cloudformation").update_stack(StackName="cfn-back", TemplateBody=json.dumps({"Resources": after}))

    assert settled(client, "cfn-back")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    backups = client("dynamodb").describe_continuous_backups(TableName="cfn-back")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED"


@pytest.mark.rule(
    "an update without a change is refused",
    f"{_GUIDE}/APIReference/API_UpdateStack.html",
)
def test_an_update_of_nothing(client: Client) -> None:
    resources = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "cfn-same"}}}
    made(client, "cfn-same", resources)

    with pytest.raises(ClientError, match="No updates are to be performed") as refused:
        client("cloudformation").update_stack(
            StackName="cfn-same", TemplateBody=json.dumps({"Resources": resources, "Outputs": {}})
        )
    assert refused.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.rule(
    "a template that makes IAM resources needs the caller's acknowledgement",
    f"{_GUIDE}/UserGuide/control-access-with-iam.html",
)
def test_iam_needs_a_capability(client: Client) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17"}}}
    with pytest.raises(ClientError) as refused:
        client("cloudformation").create_stack(
            StackName="cfn-iam", TemplateBody=json.dumps({"Resources": {"Role": role}})
        )
    assert refused.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"


@pytest.mark.rule(
    "a reference to what the template does not have is refused before anything is made",
    f"{_GUIDE}/UserGuide/troubleshooting.html",
)
def test_an_unresolved_reference(client: Client) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "Nobody"}}}
    with pytest.raises(ClientError) as refused:
        client("cloudformation").create_stack(
            StackName="cfn-reference", TemplateBody=json.dumps({"Resources": {"Topic": topic}})
        )
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert "Nobody" in str(refused.value)


SOURCE = "def handler(event, context):\n    return {'statusCode': 200, 'body': 'from a stack'}\n"


@pytest.mark.rule(
    "a stack of function, permission, API and stage answers HTTP requests",
    f"{_GUIDE}/TemplateReference/aws-resource-apigateway-restapi.html",
)
def test_a_stack_that_answers(client: Client, endpoint: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    uri = "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Function.Arn}/invocations"
    integration = {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": {"Fn::Sub": uri}}
    api, function = {"Ref": "Api"}, {"Ref": "Function"}
    properties: dict[str, tuple[str, dict[str, Any]]] = {
        "Role": ("IAM::Role", {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}),
        "Function": (
            "Lambda::Function",
            {"Runtime": "python3.12", "Handler": "index.handler", "Code": {"ZipFile": SOURCE},
             "Role": {"Fn::GetAtt": ["Role", "Arn"]}},
        ),
        "Permission": (
            "Lambda::Permission",
            {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"},
        ),
        "Api": ("ApiGateway::RestApi", {"Name": "cfn-api"}),
        "Things": (
            "ApiGateway::Resource",
            {"RestApiId": api, "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "PathPart": "things"},
        ),
        "Get": (
            "ApiGateway::Method",
            {"RestApiId": api, "ResourceId": {"Ref": "Things"}, "HttpMethod": "GET", "AuthorizationType": "NONE",
             "Integration": integration},
        ),
        "Deployment": ("ApiGateway::Deployment", {"RestApiId": api}),
        "Stage": (
            "ApiGateway::Stage",
            {"RestApiId": api, "DeploymentId": {"Ref": "Deployment"}, "StageName": "v1"},
        ),
    }  # fmt: skip
    resources: dict[str, Any] = {
        name: {"Type": f"AWS::{type_}", "Properties": given} for name, (type_, given) in properties.items()
    }
    resources["Deployment"]["DependsOn"] = "Get"

    stack = made(client, "cfn-api", resources, outputs={"Api": {"Value": api}}, Capabilities=["CAPABILITY_IAM"])

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    url = f"{endpoint.url}/_aws/execute-api/{stack['Outputs'][0]['OutputValue']}/v1/things"
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"from a stack"


@pytest.mark.rule(
    "a method of a stack that calls nothing answers as its template says",
    f"{_GUIDE}/TemplateReference/aws-resource-apigateway-method.html",
)
def test_a_method_that_answers_by_itself(client: Client) -> None:
    api: dict[str, Any] = {"Ref": "Api"}
    responses = {
        "MethodResponses": [{"StatusCode": "200"}],
        "Integration": {
            "Type": "MOCK",
            "RequestTemplates": {"application/json": '{"statusCode": 200}'},
            "IntegrationResponses": [{"StatusCode": "200"}],
        },
    }
    root = {"Fn::GetAtt": ["Api", "RootResourceId"]}
    method = {"RestApiId": api, "ResourceId": root, "HttpMethod": "GET", "AuthorizationType": "NONE"}
    resources = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "cfn-mock"}},
        "Method": {"Type": "AWS::ApiGateway::Method", "Properties": method | responses},
    }
    stack = made(client, "cfn-mock", resources, outputs={"Api": {"Value": api}, "Root": {"Value": root}})
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    said = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    found = client("apigateway").get_method(restApiId=said["Api"], resourceId=said["Root"], httpMethod="GET")
    assert "200" in found["methodResponses"]
    assert found["methodIntegration"]["type"] == "MOCK"
    assert "200" in found["methodIntegration"]["integrationResponses"]


@pytest.mark.rule(
    "a stack's database can be reached by its attributes, takes a new password, and leaves a final snapshot",
    f"{_GUIDE}/TemplateReference/aws-resource-rds-dbinstance.html",
)
def test_a_stack_with_a_database(client: Client) -> None:
    properties = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": "20",
        "MasterUsername": "app",
        "MasterUserPassword": "secret-one",
        "DBName": "shop",
    }
    database = {"Type": "AWS::RDS::DBInstance", "Properties": properties}
    outputs = {"Where": {"Value": {"Fn::Sub": "${Database.Endpoint.Address}:${Database.Endpoint.Port}"}}}
    stack = made(client, "cfn-rds", {"Database": database}, outputs=outputs)
    host, port = stack["Outputs"][0]["OutputValue"].split(":")

    changed = {"Database": database | {"Properties": properties | {"MasterUserPassword": "secret-two"}}}
    body = json.dumps({"Resources": changed, "Outputs": outputs})
    client("cloudformation").update_stack(StackName="cfn-rds", TemplateBody=body)
    assert settled(client, "cfn-rds")["StackStatus"] == "UPDATE_COMPLETE"
    with psycopg.connect(
        host=host, port=int(port), user="app", password="secret-two", dbname="shop", connect_timeout=10
    ) as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]

    client("cloudformation").delete_stack(StackName="cfn-rds")
    assert settled(client, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    snapshots = client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    assert [each for each in snapshots if each["DBSnapshotIdentifier"].startswith("cfn-rds-")]
