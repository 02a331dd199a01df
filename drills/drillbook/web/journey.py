"""A customer's way through the service as one probe: register, log in, write, read.

```yaml
probes:
  a customer can work:
    use: web.journey
    with:
      within: 10 s
      steps:
        - {name: register, method: POST, url: "{front_door}/register", form: {user: drill-<unique>}, status: [302]}
        - {name: log in, method: POST, url: "{front_door}/login", json: {user: drill-<unique>}, keep: {token: $.token}}
        - {name: read, url: "{front_door}/me", headers: {Authorization: Bearer <token>}, contains: drill-<unique>}
```

``<name>`` stands for what an earlier step kept, and ``<unique>`` for something new each time. Cookies are kept and sent
by themselves. What a journey writes stays in the service: let its names show whose they are.
"""

from __future__ import annotations

import json
import re
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Annotated, Self
from uuid import uuid4

from pydantic import AfterValidator, Field, model_validator

from drillbook.events import Json
from drillbook.fault import Settings
from drillbook.probe import Reading
from drillbook.service_model import HttpRequest
from drillbook.units import Duration, duration_text
from drillbook.web.request import Answer, ask, judged

if TYPE_CHECKING:
    from drillbook.world import World

_NAME = re.compile(r"<([a-z_][a-z0-9_]*)>")
_SOURCE = re.compile(r"""\$((?:\.[A-Za-z_][\w-]*|\[\d+\]|\["[^"]+"\])+)|(header|cookie):([\w-]+)""")
_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[(\d+)\]|\["([^"]+)"\]""")


def _source(text: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise ValueError(f"{text!r} is no part of an answer; write $.token, header:Location or cookie:session")
    return text


class JourneyStep(HttpRequest):
    name: str = Field(min_length=1)
    keep: dict[str, Annotated[str, AfterValidator(_source)]] = Field(default_factory=dict)
    """Name → where in the answer its value stands."""


class JourneySettings(Settings):
    steps: Annotated[tuple[JourneyStep, ...], Field(min_length=1)]
    within: Duration = 30.0
    """Seconds for the whole way."""

    @model_validator(mode="after")
    def _knows_what_it_names(self) -> Self:
        known = {"unique"}
        for step in self.steps:
            for name in _NAME.findall(json.dumps(step.model_dump())):
                if name not in known:
                    raise ValueError(f"the step {step.name!r} names <{name}>, which no step before it keeps")
            known |= step.keep.keys()
        return self


class Journey:
    """ok if every step is answered as it asks, one after the other, and all within the time. No step is tried twice."""

    Settings = JourneySettings

    def __init__(self, world: World, settings: JourneySettings) -> None:
        self._world, self._settings = world, settings

    def describe(self) -> str:
        steps = ", ".join(step.name for step in self._settings.steps)
        return f"{steps} within {duration_text(self._settings.within)}"

    def read(self) -> Reading:
        """Go the way once. Raises ProbeError for an address that cannot be one."""
        kept, cookies = {"unique": uuid4().hex[:12]}, dict[str, str]()
        seconds: dict[str, Json] = {}
        for step in self._settings.steps:
            request = _with_cookies(_filled(step, kept), cookies)
            answer = ask(self._world, request)
            seconds[step.name] = answer.seconds
            reading = judged(request, answer)
            missing = _keep(step, answer, kept, cookies) if reading.ok else ""
            if not reading.ok or missing:
                return Reading(False, f"{step.name}: {_hidden(missing or reading.value, kept)}", {"seconds": seconds})
        return self._in_time(seconds)

    def _in_time(self, seconds: dict[str, Json]) -> Reading:
        took, steps = sum(seconds.values()), len(seconds)
        value = f"{steps} steps in {duration_text(took)}"
        return Reading(took <= self._settings.within, value, {"seconds": seconds})


def _filled(step: JourneyStep, kept: dict[str, str]) -> JourneyStep:
    def fill(value: Json) -> Json:
        match value:
            case str():
                return _NAME.sub(lambda match: kept[match.group(1)], value)
            case dict():
                return {fill(key): fill(inner) for key, inner in value.items()}
            case list() | tuple():
                return [fill(inner) for inner in value]
        return value

    return step.model_copy(update={name: fill(value) for name, value in step.model_dump(exclude={"keep"}).items()})


def _with_cookies(step: JourneyStep, cookies: dict[str, str]) -> JourneyStep:
    if not cookies:
        return step
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return step.model_copy(update={"headers": {"Cookie": header, **step.headers}})


def _keep(step: JourneyStep, answer: Answer, kept: dict[str, str], cookies: dict[str, str]) -> str:
    """Remember what the step keeps, and cookies. What is missing, in words; empty if nothing is."""
    cookies |= _cookies(answer)
    for name, source in step.keep.items():
        found = _found(answer, source, cookies)
        if found is None:
            return f"HTTP {answer.status} without {source}"
        kept[name] = found
    return ""


def _found(answer: Answer, source: str, cookies: dict[str, str]) -> str | None:
    kind, _, name = source.partition(":")
    if kind == "header":
        return answer.headers.get(name)
    if kind == "cookie":
        return cookies.get(name)
    try:
        value: Json = json.loads(answer.text)
        for member, index, quoted in _STEP.findall(source):
            value = value[int(index)] if index else value[member or quoted]
    except (ValueError, LookupError, TypeError):
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _cookies(answer: Answer) -> dict[str, str]:
    """Of the one service that is asked: domain, path and age are not looked at."""
    found: dict[str, str] = {}
    for header in answer.cookies:
        try:
            found |= {name: morsel.coded_value for name, morsel in SimpleCookie(header).items()}
        except CookieError:
            continue
    return found


def _hidden(text: str, kept: dict[str, str]) -> str:
    """What was kept may be a session: readings tell its name."""
    for name, value in kept.items():
        text = text.replace(value, f"<{name}>") if value else text
    return text
