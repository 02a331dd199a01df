"""Python that lies in a service's folder: ``recovery.py:restore_table``.

It is loaded by path, under a package name made from the folder's path, so that two services may both have a
``recovery.py``; ``from .stack import TABLE`` reaches a file beside it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import re
import sys
import traceback
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from drillbook.errors import DrillbookError, LocatedError, UsageError
from drillbook.service_yaml import nearest, shown

_REFERENCE = re.compile(r"((?:[A-Za-z_]\w*/)*[A-Za-z_]\w*)\.py:([A-Za-z_]\w*)")


def is_reference(text: str) -> bool:
    """Does ``text`` name something in a Python file (as opposed to a built-in)?"""
    return ".py" in text


def load(folder: Path, reference: str) -> Any:
    """The object ``reference`` names below ``folder``; the file is imported once per process.

    Raises UsageError: file or name missing, or the file's own import failing (told as file:line).
    """
    check(folder, reference)
    file, name = reference.split(".py:")
    with _Importing(folder):
        module = importlib.import_module(f"{_package(folder)}.{file.replace('/', '.')}")
    if not hasattr(module, name):
        raise UsageError(f"{shown(folder / file)}.py does not define {name!r}", do="check its spelling")
    return getattr(module, name)


def check(folder: Path, reference: str) -> None:
    """Raise UsageError unless ``reference`` names something that the file's text defines. Imports nothing."""
    match = _REFERENCE.fullmatch(reference)
    if not match:
        raise UsageError(f"{reference!r} does not name Python code", do="write it as file.py:name")
    file, name = folder / f"{match[1]}.py", match[2]
    defined = _defined(_parsed(file))
    if name not in defined:
        raise UsageError(f"{shown(file)} does not define {name!r}", do=nearest(name, defined))


def where(error: BaseException, folder: Path) -> str:
    """``file:line`` of the last frame of ``error`` below ``folder``, or of the very last one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)] or list(frames)
    return f"{shown(Path(own[-1].filename))}:{own[-1].lineno}" if own else str(shown(folder))


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), filename=str(file))
    except OSError:
        known = sorted(path.name for path in file.parent.glob("*.py"))
        raise UsageError(f"there is no file {shown(file)}", do=nearest(file.name, known)) from None
    except SyntaxError as error:
        raise _syntax_mistake(file, error) from None
    except ValueError as error:
        raise UsageError(f"{shown(file)} is not Python: {error}", do="repair the file") from None


def _syntax_mistake(file: Path, error: SyntaxError) -> LocatedError:
    line, column = error.lineno or 1, error.offset or 1
    return LocatedError(shown(file), line, column, f"is not Python: {error.msg}", do="repair the file")


def _defined(module: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names.update(alias.asname or alias.name for alias in aliases)
            case ast.Assign(targets=targets):
                names.update(target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def _package(folder: Path) -> str:
    """The name of the package that stands for ``folder``, made on first use."""
    whole = folder.resolve()
    word, digest = re.sub(r"\W", "_", whole.name), hashlib.sha256(str(whole).encode()).hexdigest()[:12]
    name = f"drillbook_service_{word}_{digest}"
    if name not in sys.modules:
        spec = ModuleSpec(name, loader=None, is_package=True)
        spec.submodule_search_locations = [str(whole)]
        sys.modules.setdefault(name, module_from_spec(spec))
    return name


class _Importing:
    """Turns whatever a service's file raises while it is imported into a UsageError that names the line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        importlib.invalidate_caches()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if isinstance(error, SyntaxError) and error.filename:
            raise _syntax_mistake(Path(error.filename), error) from error
        if isinstance(error, Exception) and not isinstance(error, DrillbookError):
            what = f"{where(error, self.folder.resolve())}: importing failed: {type(error).__name__}: {error}"
            raise UsageError(what, do="repair the service's code") from error
