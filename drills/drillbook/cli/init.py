"""``drillbook init``: a repository of drills, with a first one that passes.

The example service is this project's own ``notes-http``, packed into the wheel from where it is maintained; the rest
stands in ``scaffold/``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from drillbook.errors import UsageError

EXAMPLE = "notes-http"
_SCAFFOLD = Path(__file__).parent / "scaffold"
_FILES = {
    "README.md": "README.md.txt",
    ".gitignore": "gitignore.txt",
    "requirements.txt": "requirements.txt.txt",
    "pyproject.toml": "pyproject.toml.txt",
    "conftest.py": "conftest.py.txt",
    "steps/announcements.py": "announcements.py.txt",
    ".github/workflows/drills.yml": "workflow.yml.txt",
}
_ANNOUNCEMENT = 'When the outage is announced to "the people who keep notes"'


def scaffold(directory: Path) -> None:
    """Write the repository into ``directory``. Raises UsageError, and writes nothing, if any file is there already."""
    files = contents()
    existing = sorted(name for name in files if (directory / name).exists())
    if existing:
        raise UsageError(f"{directory} holds {', '.join(existing)} already", do="choose an empty folder, or move them")
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    typer.echo(f"wrote {len(files)} files to {directory}; now: cd {directory} && drillbook run")


def contents() -> dict[str, bytes]:
    """What is written, by path relative to the new repository."""
    files = {name: (_SCAFFOLD / source).read_bytes() for name, source in _FILES.items()}
    files |= {str(path): content for path, content in _example()}
    return files


def example_home() -> Path:
    """The folder with ``drills/notes-http`` and ``features/notes-http``: the checkout, or inside the wheel."""
    checkout = Path(__file__).parents[3]
    return checkout if (checkout / "features" / EXAMPLE).is_dir() else _SCAFFOLD / "example"


def _example() -> Iterator[tuple[Path, bytes]]:
    home = example_home()
    for kind in ("drills", "features"):
        for path in sorted((home / kind / EXAMPLE).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                yield path.relative_to(home), _with_own_sentence(content) if path.suffix == ".feature" else content


def _with_own_sentence(feature: bytes) -> bytes:
    """The first drill also uses the repository's own step, to show how one is written."""
    lines = feature.decode().splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.lstrip().startswith("When the recovery plan"):
            lines.insert(number, line[: len(line) - len(line.lstrip())] + _ANNOUNCEMENT + "\n")
            break
    return "".join(lines).encode()
