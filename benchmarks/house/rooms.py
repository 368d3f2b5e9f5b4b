"""Measures of rooms, the first folders below a package: reaches up, tests, faces."""

import ast
from collections.abc import Iterator

from benchmarks.house.findings import Finding, share
from benchmarks.house.source import Module, Package, Scope, count_code_lines, is_private
from benchmarks.house.style import is_reach

FACES = (
    "utils",
    "backend",
    "config",
    "mixed_precision",
    "dtype_policies",
    "legacy",
    "preprocessing",
)
TESTED_BY_MODULE = ("core", "training", "saving")


def floors(package: Package) -> dict[str, int]:
    """The floor of each room, the ground being 0, from the layers of import-linter's contract."""
    layers = package.contract.get("layers", [])
    return {
        room.strip(" ()"): floor
        for floor, layer in enumerate(reversed(layers))
        for room in layer.replace("|", ":").split(":")
    }


def find_reaches_up(package: Package) -> Iterator[Finding]:
    """Private names `x._name`, `x` not `self` or `cls`, that only higher rooms define.

    A room defines a name where it assigns it on `self` or `cls` or in the body of a class, or
    where it is a function or class inside a class; where `x` was imported, at the top of a module
    too. `getattr(x, "_name")` and the like are the same reach.
    """
    floor_of = floors(package)
    members, globals_ = _lowest_definitions(package, floor_of)
    for module in package.modules:
        floor = floor_of.get(package.room(module))
        if floor is None:
            continue
        imported = _imported_names(module)
        for node, scope in module.walk:
            owner, name = _reached(node)
            lowest = [members[name]] if name in members else []
            if isinstance(owner, ast.Name) and owner.id in imported and name in globals_:
                lowest.append(globals_[name])
            if lowest and min(lowest) > floor:
                yield Finding(module, node.lineno, f"{scope.qualified_name} {name}")


def _imported_names(module: Module) -> set[str]:
    """All names that a module's imports bind."""
    return {
        alias.asname or alias.name
        for node, _ in module.walk
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }


def _reached(node: ast.AST) -> tuple[ast.expr | None, str]:
    """Whose private name a node reaches for, and which; `(None, "")` for other nodes."""
    if is_reach(node):
        return node.value, node.attr
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
        owner, name = node.args[:2]
        is_lookup = node.func.id in ("getattr", "hasattr", "setattr", "delattr")
        is_own = isinstance(owner, ast.Name) and owner.id in ("self", "cls")
        if is_lookup and not is_own and isinstance(name, ast.Constant):
            if isinstance(name.value, str) and is_private(name.value):
                return owner, name.value
    return None, ""


def _lowest_definitions(
    package: Package, floor_of: dict[str, int]
) -> tuple[dict[str, int], dict[str, int]]:
    """The lowest floor that defines each private name, as a member and at the top of a module."""
    members: dict[str, int] = {}
    globals_: dict[str, int] = {}
    for module in package.modules:
        floor = floor_of.get(package.room(module))
        if floor is None:
            continue
        for node, scope in module.walk:
            name = _defined(node, scope)
            if name is not None and is_private(name):
                is_global = scope.parent is None and not isinstance(node, ast.Attribute)
                table = globals_ if is_global else members
                table[name] = min(floor, table.get(name, floor))
    return members, globals_


def _defined(node: ast.AST, scope: Scope) -> str | None:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        is_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
        return node.attr if is_own else None
    if scope.is_function:
        return None
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return None


def tests_to_code(package: Package) -> float | None:
    """Lines of code of tests for each of the package; None without tests."""
    return share(count_code_lines(package.tests), package.code_lines, per=1) or None


def test_lines_to_lines(package: Package) -> float | None:
    """All lines of tests for each of the package; None without tests."""
    return share(_count_lines(package.tests), _count_lines(package.modules), per=1) or None


def _count_lines(modules: list[Module]) -> int:
    return sum(len(module.lines) for module in modules)


def tests_by_room(package: Package) -> list[tuple[str, int, int, float | None, float | None]]:
    """Of each folder below the package: its name, its lines of code, those of `tests/<room>`,
    how many of these for each of those, and the same of all lines.
    """
    rows = []
    for room in sorted({package.room(m) for m in package.modules if m.place.count("/") > 1}):
        own = [module for module in package.modules if package.room(module) == room]
        tests = [module for module in package.tests if module.place.startswith(f"tests/{room}/")]
        code, test_code = count_code_lines(own), count_code_lines(tests)
        all_lines = share(_count_lines(tests), _count_lines(own), per=1)
        rows.append((room, code, test_code, share(test_code, code, per=1), all_lines))
    return rows


def find_untested_modules(package: Package) -> Iterator[Finding]:
    """Modules of `core`, `training` and `saving` that no file of tests is named after.

    `room/x.py` has `tests/room/test_x.py`; `room/sub/x.py` has `tests/room/sub/test_x.py` or
    `tests/room/test_sub.py`.
    """
    tests = {module.place for module in package.tests}
    for module in package.modules:
        if package.room(module) in TESTED_BY_MODULE and not module.is_package:
            *folders, name = module.name.split(".")[1:]
            wanted = {"/".join(["tests", *folders, f"test_{name.lstrip('_')}.py"])}
            if len(folders) > 1:
                wanted.add("/".join(["tests", *folders[:-1], f"test_{folders[-1]}.py"]))
            if wanted.isdisjoint(tests):
                yield Finding(module, 1, "<module>")


def find_definitions_in_faces(package: Package) -> Iterator[Finding]:
    """What faces, the rooms of names alone, define themselves.

    A face may import, give a name to a name, list names (`__all__`, tables) and have `__getattr__`
    and `__dir__`.
    """
    for module in package.modules:
        if package.room(module) in FACES:
            for statement in module.tree.body:
                if not _is_of_a_face(statement):
                    yield Finding(module, statement.lineno, _statement_name(statement))


_ATTRIBUTES = "(__getattr__, __dir__)"  # as one assignment names both


def _is_of_a_face(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Delete):
        return True
    if isinstance(statement, ast.FunctionDef):
        return statement.name in ("__getattr__", "__dir__")
    if isinstance(statement, ast.If):
        return all(map(_is_of_a_face, [*statement.body, *statement.orelse]))
    if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == _ATTRIBUTES:
        return True
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr):
        return statement.value is None or _is_names(statement.value)
    return False


def _is_names(value: ast.expr) -> bool:
    """Whether a value is a name, a constant, or a table of such."""
    allowed = ast.Name | ast.Attribute | ast.Constant | ast.Tuple | ast.List | ast.Set | ast.Dict
    parts = (node for node in ast.walk(value) if isinstance(node, ast.expr))
    return all(isinstance(node, allowed | ast.Starred) for node in parts)


def _statement_name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0])
    if isinstance(statement, ast.AnnAssign):
        return ast.unparse(statement.target)
    return f"<{type(statement).__name__.lower()}>"
