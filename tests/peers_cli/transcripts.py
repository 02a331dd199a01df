"""Transcripts: commands as a person types them and what they answer, with what differs each time replaced.

A line that begins with ``$ `` is a command; one that ends with a backslash goes on. The lines after it are its answer,
both streams, and ``[failed]`` after an exit status that is not 0. All commands of a transcript run in one shell.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

_MARK = "=== end of answer"
_VARYING = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
    (r"\b1[6-9]\d{8}(\.\d+)?\b", "<time>"),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uuid>"),
    (r"backup/\d{13,}-[0-9a-f]+", "backup/<id>"),
    (r"\b127\.0\.[01]\.\d+(:\d+)?", "<address>"),
    (r'("Port": )\d+', r"\1<port>"),
    (r"(/?hostedzone/|/change/|\bhc-)[A-Za-z0-9]+", r"\1<id>"),
    (r"/tmp/\S+?/", "<folder>/"),
)


def commands_of(text: str) -> list[str]:
    """The commands, continued lines together."""
    found: list[str] = []
    continued = False
    for line in text.splitlines():
        if continued:
            found[-1] += f"\n{line}"
        elif line.startswith("$ "):
            found.append(line.removeprefix("$ "))
        continued = (continued or line.startswith("$ ")) and line.endswith("\\")
    return found


def header_of(text: str) -> str:
    """What stands before the first command."""
    return text.partition("$ ")[0]


def run(commands: list[str], environment: Mapping[str, str], folder: Path) -> str:
    """The commands with what they answer now, normalised."""
    script = "".join(f"{command}\nprintf '\\n%s %s\\n' '{_MARK}' $?\n" for command in commands)
    done = subprocess.run(
        ["bash", "-c", "exec 2>&1\n" + script],
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    answers = list(_answers(done.stdout.splitlines()))
    assert len(answers) == len(commands), done.stdout[-2000:]
    return "".join(f"$ {command}\n{answer}" for command, answer in zip(commands, answers, strict=True))


def _answers(lines: list[str]) -> Iterator[str]:
    held: list[str] = []
    for line in lines:
        if line.startswith(_MARK):
            code = int(line.split()[-1])
            said = [_normal(one) for one in held if one.strip()]
            yield "".join(f"{one}\n" for one in [*said, *(["[failed]"] if code else [])])
            held = []
        else:
            held.append(line)


def _normal(line: str) -> str:
    for pattern, name in _VARYING:
        line = re.sub(pattern, name, line)
    return line.rstrip()
