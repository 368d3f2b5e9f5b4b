"""Source trees: modules with their syntax, tokens and scopes, each read once."""

import ast
import dataclasses
import functools
import importlib.util
import io
import pathlib
import tokenize
import tomllib
from collections.abc import Iterator

Def = ast.FunctionDef | ast.AsyncFunctionDef
_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def is_private(name: str) -> bool:
    """One leading underscore; names like `__init__` are the language's, not private."""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


@dataclasses.dataclass(frozen=True, eq=False)
class Scope:
    """A module, class or function. `parent` is None for a module."""

    name: str
    node: ast.Module | ast.ClassDef | Def
    parent: "Scope | None" = None

    @property
    def qualified_name(self) -> str:
        """Like `__qualname__` without `<locals>`; `<module>` for a module."""
        if self.parent is None:
            return "<module>"
        above = self.parent.qualified_name
        return self.name if above == "<module>" else f"{above}.{self.name}"

    @property
    def is_function(self) -> bool:
        return isinstance(self.node, Def)

    @property
    def is_class(self) -> bool:
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_public(self) -> bool:
        """Whether users may name it: no leading underscore here or further out, no function around.

        The constructor of a public class is public too.
        """
        if self.parent is None:
            return not self.name.startswith("_") or self.name in ("__init__", "__main__")
        is_constructor = self.name == "__init__" and self.parent.is_class
        if self.name.startswith("_") and not is_constructor:
            return False
        return self.parent.is_public and not self.parent.is_function


class Module:
    """One file.

    Args:
        path: the file.
        base: the folder that `place` is told from.
        name: its dotted name.
    """

    def __init__(self, path: pathlib.Path, base: pathlib.Path, name: str) -> None:
        self.path = path
        self.place = path.relative_to(base).as_posix()
        self.name = name
        self.is_package = path.stem == "__init__"

    @functools.cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @functools.cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @functools.cached_property
    def walk(self) -> list[tuple[ast.AST, Scope]]:
        """All nodes below the module, each with the innermost scope around it, in order.

        Decorators, defaults, annotations and bases stand in the scope around their definition.
        """
        return list(_walk(self.tree, Scope(self.path.stem, self.tree)))

    @functools.cached_property
    def scopes(self) -> list[Scope]:
        """All classes and functions."""
        return [
            Scope(node.name, node, outer)
            for node, outer in self.walk
            if isinstance(node, ast.ClassDef | Def)
        ]

    @functools.cached_property
    def functions(self) -> list[Scope]:
        """All functions, methods, and functions inside functions; no lambdas."""
        return [scope for scope in self.scopes if scope.is_function]

    @functools.cached_property
    def docstrings(self) -> list[ast.Expr]:
        nodes = [self.tree, *(scope.node for scope in self.scopes)]
        return [node.body[0] for node in nodes if ast.get_docstring(node) is not None]

    @functools.cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @functools.cached_property
    def code_tokens(self) -> list[tokenize.TokenInfo]:
        """Tokens without comments, docstrings and layout (ends of lines, indents)."""
        docstrings = {(node.lineno, node.col_offset) for node in self.docstrings}
        return [t for t in self.tokens if t.type not in _LAYOUT and t.start not in docstrings]

    @functools.cached_property
    def code_lines(self) -> list[int]:
        """Numbers of the lines that code tokens cover, without blank lines inside strings."""
        covered: set[int] = set()
        for token in self.code_tokens:
            covered.update(range(token.start[0], token.end[0] + 1))
        return sorted(number for number in covered if self.lines[number - 1].strip())


def _walk(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    inner = scope
    if isinstance(node, ast.ClassDef | Def):
        inner = Scope(node.name, node, scope)
    for field, value in ast.iter_fields(node):
        around = inner if field == "body" else scope
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child, around
                yield from _walk(child, around)


@dataclasses.dataclass(frozen=True)
class Package:
    """A tree of modules.

    Attributes:
        name: of the package.
        modules: without its tests.
        tests: modules of tests, beside the package or inside it; empty where there are none.
        project: the folder with `pyproject.toml`, None for an installed package.
    """

    name: str
    modules: list[Module]
    tests: list[Module]
    project: pathlib.Path | None

    @functools.cached_property
    def code_lines(self) -> int:
        return count_code_lines(self.modules)

    @functools.cached_property
    def contract(self) -> dict:
        """The first contract of import-linter in `pyproject.toml`; empty where there is none."""
        if self.project is None:
            return {}
        settings = tomllib.loads((self.project / "pyproject.toml").read_text(encoding="utf-8"))
        contracts = settings.get("tool", {}).get("importlinter", {}).get("contracts", [{}])
        return contracts[0]

    def room(self, module: Module) -> str:
        """The first folder (or file) below the package; empty for the package's own files."""
        parts = module.name.split(".")
        return parts[1] if len(parts) > 1 else ""


def count_code_lines(modules: list[Module]) -> int:
    """Lines of code of some modules, without blank lines, comments and docstrings."""
    return sum(len(module.code_lines) for module in modules)


def read_folder(folder: pathlib.Path, base: pathlib.Path) -> list[Module]:
    """All modules below a folder, named from `base`."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(path, base, name))
    return found


def read_package(what: str) -> Package:
    """Reads a package.

    Args:
        what: the folder of a project (with `pyproject.toml`), the folder of a package, or the name
            of an installed package.
    """
    folder = pathlib.Path(what).resolve()
    if not folder.is_dir():
        folder = _find_installed(what)
    if (folder / "pyproject.toml").is_file():
        settings = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        folder = folder / settings["project"]["name"]
    project = folder.parent if (folder.parent / "pyproject.toml").is_file() else None
    base = folder.parent
    modules = read_folder(folder, base)
    tests = [module for module in modules if _is_test(module)]
    if project is not None and (project / "tests").is_dir():
        tests += read_folder(project / "tests", base)
    own = [module for module in modules if not _is_test(module)]
    return Package(folder.name, own, tests, project)


def _find_installed(name: str) -> pathlib.Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"benchmarks.house: there is no folder or installed package {name!r}.")
    return pathlib.Path(spec.submodule_search_locations[0])


def _is_test(module: Module) -> bool:
    *folders, name = module.place.removesuffix(".py").split("/")
    is_test_file = name.startswith("test_") or name.endswith("_test") or name == "conftest"
    return is_test_file or not {"test", "tests", "_test"}.isdisjoint(folders)
