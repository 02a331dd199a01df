"""YAML with positions: every value knows its line and column, and every plain scalar stays the text that was written.

YAML 1.1 reads ``012345670123`` as an octal number, ``no`` as false, ``1:30`` as 90 and ``2026-01-01`` as a date. Here
all of these are strings, and the models say what a value is meant to be. Values without a model (a JSON body) are
read by ``json_value``, with JSON's rules and no others.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from drillbook.errors import LocatedError
from drillbook.events import Json

Loc = tuple[str | int, ...]
"""The way to a value: mapping keys and list indexes, as pydantic gives it."""

_DEEPEST = 40
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "null", "bool", "int", "float", "timestamp")}
_TAGS |= {"tag:yaml.org,2002:value", "tag:yaml.org,2002:merge"}  # what YAML 1.1 makes of a plain = and <<


class Plain(str):
    """A scalar that was written without quotes."""

    __slots__ = ()


@dataclass(frozen=True)
class Document:
    """A parsed file. ``data`` holds dict, list, str, and None where nothing was written."""

    path: Path
    root: yaml.MappingNode
    data: dict[str, Json]

    def mistake(self, loc: Loc, what: str, *, do: str, at_key: bool = False) -> LocatedError:
        """A LocatedError at the value of ``loc``, or at its key; where that is not written, at what surrounds it."""
        mark = _mark(self.root, loc, at_key=at_key)
        return LocatedError(shown(self.path), mark.line + 1, mark.column + 1, what, do=do)

    def has(self, loc: Loc) -> bool:
        """Is there such a value in the file?"""
        node: yaml.Node | None = self.root
        for part in loc:
            node = _step(node, part)[1] if node is not None else None
        return node is not None


def parse(path: Path, *, start: str = "service: <name>") -> Document:
    """Read one YAML file whose top is a mapping; ``start`` is how such a file begins.

    Raises LocatedError for anything else: unreadable, empty, broken YAML, duplicate keys, aliases, custom tags.
    """
    root = _compose(path, _text(path), start)
    if not isinstance(root, yaml.MappingNode):
        raise _at(path, root.start_mark, "the file must hold 'key: value' lines", f"start with '{start}'")
    return Document(path, root, dict(_mapping(path, root, depth=0)))


def json_value(value: Json) -> Json:
    """``value`` with unquoted numbers, ``true``, ``false`` and ``null`` read as JSON reads them."""
    match value:
        case dict():
            return {key: json_value(inner) for key, inner in value.items()}
        case list():
            return [json_value(inner) for inner in value]
        case Plain() if re.fullmatch(r"true|false|null|-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,2})?", value):
            return json.loads(value)
        case str():
            return str(value)
    return value


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?`` where something is near, else the list of what is known."""
    names = sorted(known)
    if near := difflib.get_close_matches(word, names, 1, 0.6):
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none is defined"


def shown(path: Path) -> Path:
    """``path`` as people want to read it: relative to the working directory where it lies below it."""
    absolute = path.absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path


class _Loader(yaml.SafeLoader):
    """Refuses aliases: a few lines of them expand to billions of values."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not supported", mark)
        return super().compose_node(parent, index)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise LocatedError(shown(path), 1, 1, f"cannot be read: {reason}", do="check the path") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise LocatedError(shown(path), line, 1, "is not UTF-8 text", do="save the file as UTF-8") from None


def _compose(path: Path, text: str, start: str) -> yaml.Node:
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or yaml.Mark(str(path), 0, 0, 0, None, 0)
        raise _at(path, mark, f"is not YAML: {error.problem}", "check indentation, quotes and colons here") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise LocatedError(shown(path), line, 1, "holds a character YAML forbids", do="remove it") from None
    except RecursionError:
        raise LocatedError(shown(path), 1, 1, "is nested too deeply", do="flatten it") from None
    except (ValueError, LookupError) as error:  # PyYAML lets these slip for odd escapes and version directives
        raise LocatedError(shown(path), 1, 1, f"is not YAML: {error}", do="check escapes and % lines") from None
    if root is None:
        raise LocatedError(shown(path), 1, 1, "is empty", do=f"start with '{start}'")
    return root


def _value(path: Path, node: yaml.Node, depth: int) -> Json:
    if depth > _DEEPEST:
        raise _at(path, node.start_mark, "is nested too deeply", "flatten it")
    if node.tag not in _TAGS:
        raise _at(path, node.start_mark, f"the tag {node.tag} is not supported", "remove it")
    if isinstance(node, yaml.MappingNode):
        return _mapping(path, node, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, inner, depth + 1) for inner in node.value]
    if isinstance(node, yaml.ScalarNode) and node.style is not None:
        return str(node.value)
    return Plain(node.value) if node.value else None


def _mapping(path: Path, node: yaml.MappingNode, depth: int) -> dict[str, Json]:
    found: dict[str, Json] = {}
    lines: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _at(path, key.start_mark, "a key must be a word", "quote it, or check the braces here")
        if key.value in found:
            what = f"the key {key.value!r} stands here twice, first in line {lines[key.value]}"
            raise _at(path, key.start_mark, what, "remove one of the two")
        found[key.value], lines[key.value] = _value(path, value, depth + 1), key.start_mark.line + 1
    return found


def _at(path: Path, mark: yaml.Mark, what: str, do: str) -> LocatedError:
    return LocatedError(shown(path), mark.line + 1, mark.column + 1, what, do=do)


def _mark(root: yaml.Node, loc: Loc, *, at_key: bool) -> yaml.Mark:
    node, mark = root, root.start_mark
    for part in loc:
        key, value = _step(node, part)
        if value is None:
            break
        node, mark = value, key.start_mark if key is not None and at_key else value.start_mark
    return mark


def _step(node: yaml.Node, part: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """The key and the value that ``part`` names in ``node``; a list has no keys."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(part)), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    return None, None
