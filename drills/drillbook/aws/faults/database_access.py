"""A database that is well and cannot be reached: its network is closed, or its password is another one."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from drillbook.aws.databases import ask_server, await_available, describe_instance
from drillbook.aws.failures import calling, code_of
from drillbook.aws.session import session_of
from drillbook.errors import FaultError, ProbeError
from drillbook.events import Json
from drillbook.fault import Settings as FaultSettings

if TYPE_CHECKING:
    from drillbook.world import World

_CHANGE_TIMEOUT = 600.0
"""Seconds that a change of an instance may take."""


class SecurityGroupRevokedSettings(FaultSettings):
    """``database`` is a DB instance's identifier."""

    database: str
    region: str | None = None


class SecurityGroupRevoked:
    """Take away every ingress rule by which clients reach the database's port: their connections time out."""

    Settings = SecurityGroupRevokedSettings

    def __init__(self, world: World, settings: SecurityGroupRevokedSettings) -> None:
        self._session = session_of(world)
        self._name, self._region = world.fill(settings.database), settings.region or self._session.region
        self._rds = self._session.client("rds", self._region)
        self._ec2 = self._session.client("ec2", self._region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"revoke the security group rules that let clients reach the database {self._name}"

    def touches(self) -> list[str]:
        arn = f"arn:aws:{{}}:{self._region}:{self._session.account}:{{}}"
        groups = [arn.format("ec2", f"security-group/{group}") for group in self._groups()]
        return [arn.format("rds", f"db:{self._name}"), *groups]

    def capture(self) -> Json:
        """The rules that cover the port. Raises FaultError if there is none: nothing could be taken away."""
        port = describe_instance(self._rds, self._name)["Endpoint"]["Port"]
        with calling(f"look at the security groups of {self._name}"):
            groups = self._ec2.describe_security_groups(GroupIds=self._groups())["SecurityGroups"]
        rules = [
            {"group": group["GroupId"], "rule": _bare(rule)}
            for group in groups
            for rule in group["IpPermissions"]
            if _covers(rule, port)
        ]
        if not rules:
            raise FaultError(f"no security group rule leads to {self._name}", do="give its group an ingress rule")
        return rules

    def apply(self, before: Json) -> None:
        with calling(self.describe()):
            for one in before:
                self._change(self._ec2.revoke_security_group_ingress, one, "InvalidPermission.NotFound")

    def observe(self, _: Json) -> bool:
        """Is a new client left without an answer?"""
        return ask_server(describe_instance(self._rds, self._name)) != "answers"

    def restore(self, before: Json) -> None:
        with calling(f"give back the security group rules of {self._name}"):
            for one in before:
                self._change(self._ec2.authorize_security_group_ingress, one, "InvalidPermission.Duplicate")

    def restored(self, before: Json) -> bool:
        with calling(f"look at the security groups of {self._name}"):
            groups = self._ec2.describe_security_groups(GroupIds=sorted({one["group"] for one in before}))
        now = {group["GroupId"]: [_bare(rule) for rule in group["IpPermissions"]] for group in groups["SecurityGroups"]}
        return all(_within(one["rule"], now[one["group"]]) for one in before)

    def _groups(self) -> list[str]:
        instance = describe_instance(self._rds, self._name)
        return [group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"]]

    def _change(self, call: Any, one: Json, done_before: str) -> None:
        from botocore.exceptions import ClientError

        try:
            call(GroupId=one["group"], IpPermissions=[one["rule"]])
        except ClientError as error:
            if code_of(error) != done_before:
                raise


class CredentialsChangedSettings(FaultSettings):
    """``database`` is a DB instance's identifier; ``secret`` holds the login that its clients use, as JSON with
    ``username`` and ``password``."""

    database: str
    secret: str
    region: str | None = None


class CredentialsChanged:
    """Somebody changes the master user's password, and tells nobody: new logins fail.

    The right password is in the secret, from where it is put back: the journal holds none.
    """

    Settings = CredentialsChangedSettings

    def __init__(self, world: World, settings: CredentialsChangedSettings) -> None:
        self._session, self._world = session_of(world), world
        self._name, self._secret = world.fill(settings.database), world.fill(settings.secret)
        self._region = settings.region or self._session.region
        self._rds = self._session.client("rds", self._region)
        self._secrets = self._session.client("secretsmanager", self._region)
        self.settle = self._session.settle

    def describe(self) -> str:
        return f"change the master password of the database {self._name}"

    def touches(self) -> list[str]:
        return [f"arn:aws:rds:{self._region}:{self._session.account}:db:{self._name}"]

    def capture(self) -> Json:
        """Raises FaultError if the secret's login does not work now: it could not be put back."""
        if not self._logs_in():
            raise FaultError(f"the login in {self._secret} does not fit {self._name}", do="correct the secret")
        return None

    def apply(self, _: Json) -> None:
        self._set(secrets.token_urlsafe(24))

    def observe(self, _: Json) -> bool:
        return not self._logs_in()

    def restore(self, before: Json) -> None:
        if not self.restored(before):
            self._set(self._login()["password"])

    def restored(self, _: Json) -> bool:
        return self._logs_in()

    def _set(self, password: str) -> None:
        with calling(self.describe()):
            self._rds.modify_db_instance(
                DBInstanceIdentifier=self._name, MasterUserPassword=password, ApplyImmediately=True
            )
        await_available(self._rds, self._name, self._world.clock, _CHANGE_TIMEOUT)

    def _login(self) -> dict[str, str]:
        with calling(f"read the secret {self._secret}"):
            kept = self._secrets.get_secret_value(SecretId=self._secret)["SecretString"]
        return dict(json.loads(kept))

    def _logs_in(self) -> bool:
        try:
            import psycopg
        except ImportError:
            raise ProbeError("psycopg is not installed", do="pip install 'drillbook[postgres]'") from None
        endpoint, login = describe_instance(self._rds, self._name)["Endpoint"], self._login()
        try:
            psycopg.connect(
                host=endpoint["Address"],
                port=endpoint["Port"],
                user=login["username"],
                password=login["password"],
                dbname="postgres",
                connect_timeout=5,
            ).close()
        except psycopg.OperationalError:
            return False
        return True


def _bare(rule: dict[str, Any]) -> dict[str, Any]:
    """What both the question and the request have."""
    return {name: rule[name] for name in _RULE if rule.get(name) not in (None, [])}


def _covers(rule: dict[str, Any], port: int) -> bool:
    """Postgres' own port counts, too: the embedded cloud may have had to choose another for the instance."""
    first, last = rule.get("FromPort"), rule.get("ToPort")
    return first is None or last is None or any(first <= one <= last for one in (port, 5432))


def _within(rule: dict[str, Any], rules: list[dict[str, Any]]) -> bool:
    """Are all sources of ``rule`` admitted? EC2 shows rules of the same ports as one."""
    ports = {name: rule.get(name) for name in _PORTS}
    same = [one for one in rules if {name: one.get(name) for name in _PORTS} == ports]
    return all(
        any(_key(source) in [_key(other) for other in one.get(name, [])] for one in same)
        for name in _SOURCES
        for source in rule.get(name, [])
    )


def _key(source: dict[str, Any]) -> str:
    return str(next(source[name] for name in ("CidrIp", "CidrIpv6", "PrefixListId", "GroupId") if source.get(name)))


_PORTS = ("IpProtocol", "FromPort", "ToPort")
_SOURCES = ("IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
_RULE = (*_PORTS, *_SOURCES)
