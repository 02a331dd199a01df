"""What a command's environment holds: ours, pointed at the drill's world and nowhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from drillbook.embedded.addresses import REGIONS, address_of
from drillbook.shell import aws_cli

if TYPE_CHECKING:
    from drillbook.world import World

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_DIRECT = ("NO_PROXY", "no_proxy")
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "127.0.0.0/8", *sorted({address_of(region) for region in REGIONS}))
"""Each address by itself, too: few tools understand networks in NO_PROXY."""


def environment_of(world: World, extra: Mapping[str, str]) -> dict[str, str]:
    """Our environment, the world's endpoint, and ``extra``."""
    environment = dict(os.environ)
    if world.aws is not None and world.aws.endpoint is not None:
        from drillbook.shell.proxy import proxy

        environment = away_from_aws(environment, proxy().url, direct=[urlsplit(world.aws.endpoint).hostname or ""])
        environment |= pointed_at(world.aws.endpoint, world.aws.account, world.workdir, environment)
    if world.aws is not None:
        environment |= {"AWS_REGION": world.aws.region, "AWS_DEFAULT_REGION": world.aws.region}
    return environment | {"DRILLBOOK_RUN": world.run_id, "DRILLBOOK_TARGET": world.target} | dict(extra)


def away_from_aws(environment: Mapping[str, str], proxy: str, direct: list[str]) -> dict[str, str]:
    """Without anything by which the caller's own account could be found, and out by ``proxy`` alone.

    Every AWS_* variable goes: profiles, keys, roles, containers' credentials, endpoints ("AWS SDKs and Tools Reference
    Guide", Environment variables). The caller's own NO_PROXY goes, too: it may well name amazonaws.com.
    """
    dropped = (*_PROXIES, *_DIRECT, "ALL_PROXY", "all_proxy")
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_") and name not in dropped}
    return kept | way_out(proxy, direct)


def way_out(proxy: str, direct: list[str]) -> dict[str, str]:
    """Out by ``proxy`` alone, but for loopback and the hosts in ``direct``."""
    return dict.fromkeys(_PROXIES, proxy) | dict.fromkeys(_DIRECT, ",".join([*_LOOPBACK, *direct]))


def pointed_at(endpoint: str, account: str, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """What makes AWS CLI, SDKs and terraform use ``endpoint`` (AWS: "Service-specific endpoints").

    The credentials open nothing but an emulator, which may take the key for the account. ``folder`` is for the AWS
    CLI's wrapper, which goes in front of PATH where there is an AWS CLI.
    """
    path = environment.get("PATH", os.defpath)
    if shutil.which("aws", path=path):
        path = os.pathsep.join([str(aws_cli.wrapper(folder)), path])
    return {
        "PATH": path,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "drillbook",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }
