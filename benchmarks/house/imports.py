"""Measures of imports: who stands in a circle."""

import ast
from collections.abc import Iterator

from benchmarks.house.findings import Finding
from benchmarks.house.source import Module, Package

Graph = dict[str, set[str]]


def find_circles(package: Package) -> Iterator[Finding]:
    """Modules that import themselves by way of others, by imports at the top.

    `from a import b` is an import of `a.b` where that is a module, else of `a`. Imports for type
    checkers alone (`if TYPE_CHECKING:`) do not count.
    """
    return _find_circles(package, in_functions=False)


def find_circles_in_functions(package: Package) -> Iterator[Finding]:
    """The same by all imports, those inside functions too."""
    return _find_circles(package, in_functions=True)


def _find_circles(package: Package, in_functions: bool) -> Iterator[Finding]:
    by_name = {module.name: module for module in package.modules}
    graph = {name: _imports(module, by_name, in_functions) for name, module in by_name.items()}
    for name, module in by_name.items():
        if name in _reachable(graph, name):
            yield Finding(module, 1, "<module>")


def _reachable(graph: Graph, start: str) -> set[str]:
    """All that is imported from `start` on; `start` itself where that comes back."""
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(graph[name])
    return found


def _imports(module: Module, by_name: dict[str, Module], in_functions: bool) -> set[str]:
    for_checkers = {id(node) for block in _type_checking(module) for node in ast.walk(block)}
    found: set[str] = set()
    for node, scope in module.walk:
        if id(node) in for_checkers or (scope.is_function and not in_functions):
            continue
        found.update(name for name in _names(node, module, by_name) if name in by_name)
    return found - {module.name}


def _type_checking(module: Module) -> list[ast.stmt]:
    blocks = [node for node, _ in module.walk if isinstance(node, ast.If)]
    checking = [node for node in blocks if ast.unparse(node.test).endswith("TYPE_CHECKING")]
    return [statement for node in checking for statement in node.body]


def _names(node: ast.AST, module: Module, by_name: dict[str, Module]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        source = _absolute(node, module)
        for alias in node.names:
            inner = f"{source}.{alias.name}"
            yield inner if inner in by_name else source


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = len(parts) - node.level + module.is_package
    return ".".join([*parts[:kept], *([node.module] if node.module else [])])
