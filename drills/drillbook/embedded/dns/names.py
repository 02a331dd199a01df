"""Domain names, and the names of AWS's own that lead to the embedded cloud."""

from __future__ import annotations

import re

from drillbook.embedded.addresses import EVERYWHERE, REGIONS, address_of

SERVICE_TTL = 60
"""Seconds. An alias record to an AWS resource has the resource's time to live, 60 s for load balancers and API
Gateway. https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/resource-record-sets-choosing-alias-non-alias.html"""
LONGEST_NAME, LONGEST_LABEL = 255, 63
_SERVICES = re.compile(
    r"(?:^|\.)(?:amazonaws\.com(?:\.cn)?|cloudfront\.net|on\.aws|awsdns-\d+\.(?:com|net|org|co\.uk))\.$"
)
_REGION = re.compile(rf"(?:^|[.-])({'|'.join(REGIONS)})(?=\.)")


def canonical(name: str) -> str:
    """Lower case, with the dot at the end and a plain asterisk, so that equal names are equal texts.

    Route 53 treats names as case-insensitive and fully qualified, and returns ``*`` as ``\\052``.
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
    """
    return name.lower().replace("\\052", "*").rstrip(".") + "."


def is_name(name: str) -> bool:
    """Is it at most 255 bytes long, of labels from 1 to 63 bytes?
    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html"""
    labels = canonical(name)[:-1].split(".")
    return len(name.rstrip(".")) <= LONGEST_NAME and all(0 < len(label) <= LONGEST_LABEL for label in labels)


def stored(name: str) -> str:
    """A record's name as Route 53 returns it."""
    return canonical(name).replace("*", "\\052")


def service_address(name: str) -> str | None:
    """Where a name of an AWS service leads: the address of the region in it, or the one that stands for all.

    None for a name that is not AWS's. Whether the bucket, the API or the distribution exists is theirs to say.
    """
    name = canonical(name)
    if not _SERVICES.search(name):
        return None
    regions = _REGION.findall(name)
    return address_of(regions[-1]) if regions else EVERYWHERE
