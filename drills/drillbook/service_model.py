"""What a service file may say: one frozen model for each mapping in it. ``drillbook.service.load`` reads the file.

Durations are seconds once read. ``{placeholders}`` stay as written until ``World.fill``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from drillbook.events import Json
from drillbook.recovery import Phase
from drillbook.service_fields import (
    AccountId,
    Argv,
    Environment,
    HttpStatus,
    JsonPathText,
    JsonTemplate,
    Method,
    Part,
    Pattern,
    Url,
)
from drillbook.steady_promise import SteadyPromise, SteadyPromiseField
from drillbook.units import Duration, Share

TargetName = Literal["embedded", "localstack", "aws", "local"]


class HttpRequest(Part):
    """One HTTP request and the answer that counts as good. ``timeout`` bounds the whole exchange, in seconds."""

    url: Url
    method: Method = "GET"
    status: tuple[HttpStatus, ...] = (200,)
    contains: str | None = None
    timeout: Duration = 2.0
    headers: dict[str, str] = Field(default_factory=dict)
    payload: JsonTemplate = Field(None, alias="json")
    form: dict[str, str] | None = None
    """Fields of an HTML form, sent in place of ``json``."""
    resolver: str = ""
    """As the front door's, which is used if there is none here."""

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        if self.form is not None and self.payload is not None:
            raise ValueError("has 'json' and 'form'; a request has one body")
        return self


class Action(Part):
    """Something to call: a built-in or Python code (``use``), a command (``run``), or a request (``http``)."""

    use: str | None = None
    settings: dict[str, Json] = Field({}, alias="with")
    run: Argv | None = None
    env: Environment = Field(default_factory=dict)
    stdin: str | None = None
    timeout: Duration = 60.0
    """Seconds (monotonic) after which a command and all its children are killed."""
    http: HttpRequest | None = None

    @property
    def ways(self) -> list[str]:
        """Which of use, run and http is given."""
        return [way for way in ("use", "run", "http") if getattr(self, way) is not None]

    @property
    def by_hand(self) -> bool:
        """Does a person do it?"""
        return False

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if len(self.ways) != 1 and not self.by_hand:
            given = " and ".join(self.ways) or "none"
            raise ValueError(f"needs exactly one of 'use', 'run' and 'http', and has {given}")
        return self

    @model_validator(mode="after")
    def _has_fitting_keys(self) -> Self:
        owners = {"with": "use", "env": "run", "stdin": "run", "timeout": "run"}
        given = {self.__class__.model_fields[name].alias or name for name in self.model_fields_set}
        for key, owner in owners.items():
            if key in given and getattr(self, owner) is None:
                raise ValueError(f"has '{key}', which goes only with '{owner}'")
        return self


def _long_form(value: Any) -> Any:
    return {"use": value} if isinstance(value, str) else value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) or value is None else [value]


ActionField = Annotated[Action, BeforeValidator(_long_form)]
ActionsField = Annotated[tuple[ActionField, ...], BeforeValidator(_as_list)]


class FaultSpec(Part):
    """A fault: a built-in or a Python class (``use``), or its parts, each an action.

    A command's part gets what ``capture`` printed as JSON on its standard input. ``observe`` says by its exit status
    (or its reading) whether the fault is in effect; without ``restored`` the world counts as restored when it is not.
    """

    use: str | None = None
    settings: dict[str, Json] = Field({}, alias="with")
    capture: ActionField | None = None
    inject: ActionField | None = None
    observe: ActionField | None = None
    restore: ActionField | None = None
    restored: ActionField | None = None
    touches: tuple[str, ...] = ()
    settle: Duration = 5.0
    """Seconds after which an injection in flight has landed or never will."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        parts = {name: getattr(self, name) for name in ("inject", "observe", "restore")}
        missing = [name for name, part in parts.items() if part is None]
        if self.use is not None and len(missing) < len(parts):
            raise ValueError("has 'use' and parts of its own; give one or the other")
        if self.use is None and missing:
            raise ValueError(f"lacks {' and '.join(missing)}; give 'use', or 'inject', 'observe' and 'restore'")
        return self


class StepSpec(Action):
    """One step of a plan in the service file. ``budget`` is in seconds; ``manual`` is a person's instruction."""

    name: str = Field(min_length=1)
    phase: Phase = Phase.RECOVER
    budget: Duration = 60.0
    check: ActionField | None = None
    verify: ActionField | None = None
    manual: str | None = None
    after: tuple[str, ...] | None = None

    @property
    def by_hand(self) -> bool:
        return self.manual is not None

    @model_validator(mode="after")
    def _is_done_once(self) -> Self:
        if self.by_hand and self.ways:
            raise ValueError(f"is manual and has '{self.ways[0]}'; a person does it or drillbook does")
        return self


class PlanSpec(Part):
    """A recovery plan: a Python factory (``use``) or steps. ``needs`` are capabilities of the target."""

    use: str | None = None
    settings: dict[str, Json] = Field({}, alias="with")
    needs: tuple[str, ...] = ()
    steps: tuple[StepSpec, ...] = ()

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.use is None) == (not self.steps):
            raise ValueError("needs either 'use' or 'steps'")
        return self


class Target(Part):
    """Where the service may be drilled, and how it is made ready there. ``values`` stand for placeholders.

    ``lag``, of the embedded cloud alone: the seconds that a service's data takes between two of the regions.
    """

    account: AccountId | None = None
    region: str | None = None
    endpoint: Url | None = None
    profile: str | None = None
    stand_up: ActionsField = ()
    tear_down: ActionsField = ()
    values: dict[str, str] = Field(default_factory=dict)
    lag: dict[Literal["dynamodb", "rds", "s3"], Duration] = Field(default_factory=dict)


class Resource(Part):
    type: str
    name: str
    region: str | None = None


class Objectives(Part):
    """At most so many seconds."""

    rto: Duration | None = None
    rpo: Duration | None = None
    loss_during: Duration | None = None


class Request(Part):
    """A request template of the front door; ``{key}`` and ``{version}`` are the canary's to fill."""

    method: Method
    path: Annotated[str, Field(pattern="^/")]
    payload: JsonTemplate = Field(None, alias="json")
    body: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    ok: tuple[HttpStatus, ...] = ()
    """Statuses that acknowledge; empty: any 2xx."""
    absent: tuple[HttpStatus, ...] = (404,)
    """Statuses that say there is no such record."""
    version: JsonPathText | None = None
    """Where in the answer the version stands; ``pattern`` says which part of it, if not all of it."""
    pattern: Pattern | None = None
    keys: JsonPathText | None = None
    """Where in a list of records their keys stand."""


class FrontDoor(Part):
    """How a client writes and reads records through the service's own API."""

    url: Url
    resolver: str = ""
    """The name server that clients ask, as ``{resolver}`` or ``dns://…``; empty: as the system does."""
    headers: dict[str, str] = Field(default_factory=dict)
    write: Request
    read: Request
    update: Request | None = None
    delete: Request | None = None
    probe: Request | None = None
    listing: Request | None = Field(None, alias="list")

    @model_validator(mode="after")
    def _can_be_read_back(self) -> Self:
        if self.read.version is None:
            raise ValueError(
                "its 'read' lacks 'version'; say where the version stands, for example version: \"$.name\""
            )
        return self

    def templates(self) -> dict[str, Json]:
        """As plain JSON, with the keys of the service file."""
        templates: dict[str, Json] = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return templates


class CanarySettings(Part):
    """``rate`` in operations a second; ``timeout``, ``slow`` (a late answer is a bad one) and ``hold`` in seconds."""

    rate: Annotated[float, Field(gt=0, le=1000)] = 20.0
    timeout: Duration = 2.0
    slow: Duration = 1.0
    hold: Duration = 2.0


class ConfigurationSpec(Part):
    """Which restored resource must be configured as its source. ``ignore`` are paths such as ``tags.created*``."""

    kind: str
    source: str
    restored: str
    ignore: tuple[str, ...] = ()


class Sabotage(Part):
    """A deliberately broken recovery or instrument: the drill must go red.

    ``fault`` and ``drill`` (a scenario's name) say which drills it is for; without them, for all.
    """

    fault: str | None = None
    drill: str | None = None
    plan: str | None = None
    """Python that is given the plan's factory and returns another: ``sabotage.py:name``."""
    skip: str | None = None
    """A step that claims to be done and does nothing."""
    before: str | None = None
    """Python that is given the world, and takes away what the recovery needs, right after the service stands."""
    canary: Literal["dead"] | None = None

    @model_validator(mode="after")
    def _breaks_one_thing(self) -> Self:
        ways = [way for way in ("plan", "skip", "before", "canary") if getattr(self, way) is not None]
        if len(ways) != 1:
            raise ValueError("needs exactly one of 'plan', 'skip', 'before' and 'canary'")
        return self


class Rails(Part):
    """What a drill may touch at most. Empty lists allow nothing beyond what the target itself names."""

    accounts: tuple[AccountId, ...] = ()
    regions: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    tag: dict[str, str] = Field(default_factory=dict)
    max_resources: Annotated[int, Field(ge=0)] = 10
    max_share: Share = 1.0
    time_box: Duration = 3600.0


class Service(Part):
    """One ``service.yaml``. Read it with ``drillbook.service.load``."""

    name: Annotated[str, Field(alias="service", pattern=r"^[a-z0-9][a-z0-9-]*$")]
    title: str = ""
    regions: dict[str, str] = Field(default_factory=dict)
    targets: Annotated[dict[TargetName, Target], Field(min_length=1)]
    resources: dict[str, Resource] = Field(default_factory=dict)
    objectives: Objectives
    needs: tuple[str, ...] = ()
    front_door: FrontDoor
    canary: CanarySettings = CanarySettings()
    probes: dict[str, ActionField] = Field(default_factory=dict)
    steady_state: SteadyPromiseField = SteadyPromise()
    detections: tuple[str, ...] = ()
    faults: dict[str, FaultSpec] = Field(default_factory=dict)
    plans: dict[str, Annotated[PlanSpec, BeforeValidator(_long_form)]] = Field(default_factory=dict)
    checks: dict[str, ActionField] = Field(default_factory=dict)
    configuration: dict[str, ConfigurationSpec] = Field(default_factory=dict)
    sabotages: dict[str, Sabotage] = Field(default_factory=dict)
    rails: Rails = Rails()

    _path: Path = PrivateAttr(default=Path("service.yaml"))

    def model_post_init(self, context: Any, /) -> None:
        if isinstance(context, Path):
            self._path = context

    @property
    def path(self) -> Path:
        """The service file."""
        return self._path

    @property
    def folder(self) -> Path:
        """The folder of the service file, where its code lies."""
        return self._path.parent

    def target(self, name: str) -> Target:
        """How the service is drilled on the target called ``name``. Raises KeyError if it is not."""
        return {str(known): target for known, target in self.targets.items()}[name]
