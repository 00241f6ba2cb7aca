"""What a handler imports, found by reading its code and not by running it."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glue.errors import FailedError

_SERVER = "serving"
"""The package of the server itself: every image has it."""


@dataclass(frozen=True)
class Import:
    """A module from outside the archive, by its top-level name, and where it is imported.

    `optional` says that the code goes on without it: the import stands in a `try` that catches ImportError.
    """

    module: str
    file: str
    line: int
    optional: bool


@dataclass(frozen=True)
class _Statement:
    names: tuple[str, ...]
    relative: bool
    line: int
    optional: bool


def external_imports(root: Path, handler: str) -> list[Import]:
    """The modules that `handler` and the archive's modules it uses import from outside of `root`, the unpacked archive.

    Modules are looked for where the server looks: in the handler's folder, then in `root`. Python's own are left out.

    Raises:
        FailedError: a file is no Python code.
    """
    folders = [(root / handler).parent, root]
    waiting, seen, found = [root / handler], {root / handler}, []
    while waiting:
        file = waiting.pop()
        shown = file.relative_to(root).as_posix()
        for statement in _statements(file, shown, _package(file, folders)):
            for name in statement.names:
                local = list(_local_files(name, folders))
                waiting += [path for path in local if path not in seen]
                seen.update(local)
                top = name.partition(".")[0]
                outside = not statement.relative and not any(_is_local(top, folder) for folder in folders)
                if outside and top not in sys.stdlib_module_names and top != _SERVER:
                    found.append(Import(top, shown, statement.line, statement.optional))
    return list(dict.fromkeys(sorted(found, key=lambda each: (each.file, each.line, each.module))))


def top_level_names(file: Path, shown: str) -> frozenset[str] | None:
    """The names that the module `file` binds; None when it imports `*` and they cannot be known."""
    names: set[str] = set()
    for node in _unnested(_parsed(file, shown)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Import() | ast.ImportFrom():
                names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
            case ast.Name(ctx=ast.Store()):
                names.add(node.id)
    return None if "*" in names else frozenset(names)


def _unnested(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a module without the insides of its functions and classes."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _unnested(child)


def _parsed(file: Path, shown: str) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), filename=shown)
    except SyntaxError as error:
        raise FailedError(f"{shown}:{error.lineno or 1}: not Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise FailedError(f"{shown}: not Python that can be read: {error or type(error).__name__}") from error


def _statements(file: Path, shown: str, package: tuple[str, ...]) -> Iterator[_Statement]:
    try:
        yield from _walk(_parsed(file, shown), package, optional=False)
    except RecursionError as error:
        raise FailedError(f"{shown}: nested too deeply to be read") from error


def _walk(node: ast.AST, package: tuple[str, ...], *, optional: bool) -> Iterator[_Statement]:
    match node:
        case ast.Import():
            yield _Statement(tuple(alias.name for alias in node.names), False, node.lineno, optional)
        case ast.ImportFrom():
            base = package[: len(package) + 1 - node.level] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            # `from package import name`: `name` may be a module of its own.
            deeper = tuple(f"{stem}.{alias.name}".lstrip(".") for alias in node.names)
            yield _Statement((*([stem] if stem else []), *deeper), bool(node.level), node.lineno, optional)
        case ast.If() if _is_for_type_checkers(node.test):
            for branch in node.orelse:
                yield from _walk(branch, package, optional=optional)
        case _:
            within = optional or (isinstance(node, ast.Try | ast.TryStar) and any(map(_catches_imports, node.handlers)))
            for child in ast.iter_child_nodes(node):
                yield from _walk(child, package, optional=within)


def _is_for_type_checkers(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else test.id if isinstance(test, ast.Name) else ""
    return name == "TYPE_CHECKING"


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {each.id for each in caught if isinstance(each, ast.Name)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


def _package(file: Path, folders: list[Path]) -> tuple[str, ...]:
    """The package that the module `file` is in, as the parts of its name."""
    for folder in folders:
        if file.is_relative_to(folder):
            return file.relative_to(folder).parent.parts
    return ()


def _is_local(top: str, folder: Path) -> bool:
    return (folder / f"{top}.py").is_file() or any((folder / top).rglob("*.py"))


def _local_files(name: str, folders: list[Path]) -> Iterator[Path]:
    """The archive's files that importing the dotted `name` runs."""
    parts = name.split(".")
    for folder in folders:
        if not _is_local(parts[0], folder):
            continue
        for depth in range(1, len(parts) + 1):
            base = folder.joinpath(*parts[:depth])
            yield from (path for path in (base / "__init__.py", base.with_name(f"{base.name}.py")) if path.is_file())
        return
