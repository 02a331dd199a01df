"""What a command's environment holds: ours, pointed at the drill's world and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drillbook.world import World

_OWN_AWS = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN")


def environment_of(world: World, extra: Mapping[str, str]) -> dict[str, str]:
    """Our environment, the world's endpoint, and ``extra``.

    Where the target is not AWS itself, a command that uses the AWS CLI, an SDK or terraform must not find the
    caller's real account: profiles and credentials are replaced (AWS: "Service-specific endpoints",
    ``AWS_ENDPOINT_URL``).
    """
    environment = dict(os.environ)
    if world.aws is not None:
        environment |= {"AWS_REGION": world.aws.region, "AWS_DEFAULT_REGION": world.aws.region}
        if world.aws.endpoint is not None:
            environment = _elsewhere(environment, world.aws.account, world.aws.endpoint)
    return environment | {"DRILLBOOK_RUN": world.run_id, "DRILLBOOK_TARGET": world.target} | dict(extra)


def _elsewhere(environment: dict[str, str], account: str, endpoint: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _OWN_AWS and not name.startswith(("AWS_ENDPOINT_URL", "AWS_CONTAINER_", "AWS_WEB_IDENTITY"))
    }
    return kept | {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "drillbook",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
