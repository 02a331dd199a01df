"""The tags of any resource, by its ARN: what the tag rail asks before a fault."""

from __future__ import annotations

from collections.abc import Mapping

from drillbook.aws.failures import calling
from drillbook.aws.session import Session
from drillbook.errors import PermanentError

_SERVICE, _REGION, _RESOURCE = 2, 3, 5


def tags_of(session: Session, arn: str) -> Mapping[str, str] | None:
    """The tags of the resource; None if it is no ARN, is not there, or its tags may not be read.

    Sources, on docs.aws.amazon.com: DynamoDB ListTagsOfResource, Lambda ListTags, S3 GetBucketTagging, API Gateway
    GetRestApi, and for all else Resource Groups Tagging API GetResources, which knows only what was ever tagged.
    """
    parts = arn.split(":", _RESOURCE)
    if parts[0] != "arn" or len(parts) <= _RESOURCE:
        return None
    readers = {"dynamodb": _of_table, "lambda": _of_function, "s3": _of_bucket, "apigateway": _of_api}
    try:
        with calling(f"read the tags of {arn}"):
            return readers.get(parts[_SERVICE], _of_any)(session, arn, parts[_REGION] or None)
    except PermanentError as error:
        # S3 answers "no tags at all" with an error of its own.
        return {} if error.code == "NoSuchTagSet" else None


def tagged(session: Session, key: str, value: str) -> list[str]:
    """The ARNs of what carries the tag in any region of the session. Raises OperationError if it cannot be asked."""
    found: list[str] = []
    for region in sorted(session.regions or {session.region}):
        with calling(f"look for resources tagged {key}={value} in {region}"):
            pages = session.client("resourcegroupstaggingapi", region).get_paginator("get_resources")
            for page in pages.paginate(TagFilters=[{"Key": key, "Values": [value]}]):
                found += [resource["ResourceARN"] for resource in page["ResourceTagMappingList"]]
    return found


def _of_table(session: Session, arn: str, region: str | None) -> Mapping[str, str]:
    tags = session.client("dynamodb", region).list_tags_of_resource(ResourceArn=arn)["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def _of_function(session: Session, arn: str, region: str | None) -> Mapping[str, str]:
    return dict(session.client("lambda", region).list_tags(Resource=arn)["Tags"])


def _of_bucket(session: Session, arn: str, region: str | None) -> Mapping[str, str]:
    tags = session.client("s3", region).get_bucket_tagging(Bucket=arn.rpartition(":")[2])["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def _of_api(session: Session, arn: str, region: str | None) -> Mapping[str, str]:
    """A stage, a method or a deployment is known by its API."""
    api = arn.partition("/restapis/")[2].partition("/")[0]
    return dict(session.client("apigateway", region).get_rest_api(restApiId=api).get("tags") or {})


def _of_any(session: Session, arn: str, region: str | None) -> Mapping[str, str] | None:
    client = session.client("resourcegroupstaggingapi", region)
    found = client.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    return {tag["Key"]: tag["Value"] for tag in found[0]["Tags"]} if found else None
