"""What the documents say is there, is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import typer

from drillbook import service as services
from drillbook.cli import catalogue
from drillbook.cli.main import app
from drillbook_steps.guards import lint

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
CALL = re.compile(r"(?:^|[\s`(/$\"])drillbook ((?:(?:cloud|programme) )?[a-z]+)((?: [^`\n#)]*)?)", re.MULTILINE)


def _blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(), flags=re.DOTALL | re.MULTILINE)


def _code(document: Path) -> str:
    """Inline code and shell blocks: where a command is meant as a command."""
    text = document.read_text()
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return "\n".join([*inline, *_blocks(document, "sh")])


def _commands() -> dict[str, set[str]]:
    """Every command with its options."""
    found: dict[str, set[str]] = {}
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        entries = {f"{name} {sub}": one for sub, one in below.items()} if below else {name: command}
        for full, one in entries.items():
            found[full] = {option for parameter in one.params for option in parameter.opts}
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_the_documents_exists_with_its_options(document: Path) -> None:
    commands = _commands()
    for name, rest in CALL.findall(_code(document)):
        if name in ("cloud", "test", "cloud up|down|status"):
            continue
        assert name in commands, f"{document.name}: drillbook {name}"
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in commands[name] | {"--help"}, f"{document.name}: drillbook {name} {option}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_piece_of_python_is_python(document: Path) -> None:
    for block in _blocks(document, "python"):
        ast.parse(block)


def test_the_service_in_the_readme_loads(tmp_path: Path) -> None:
    (block,) = _blocks(REPOSITORY / "README.md", "yaml")
    (tmp_path / "service.yaml").write_text(block)
    assert services.load(tmp_path / "service.yaml").name == "notes"
    assert len(block.splitlines()) <= 25


def test_the_features_in_the_documents_are_features(tmp_path: Path) -> None:
    blocks = [block for document in DOCUMENTS for block in _blocks(document, "gherkin")]
    assert len(blocks) >= 2
    for number, block in enumerate(blocks):
        text = block if "Feature:" in block else f"Feature: it\n\n{block}"
        (tmp_path / f"{number}.feature").write_text(text)
    lint(tmp_path.glob("*.feature"), tmp_path)


def test_the_step_catalogue_is_current() -> None:
    written = (REPOSITORY / "docs" / "step-catalogue.md").read_text()
    assert written == catalogue.as_markdown(catalogue.sentences()), (
        "./drillbook steps --markdown > docs/step-catalogue.md"
    )


def test_the_readme_stays_short() -> None:
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= 120
