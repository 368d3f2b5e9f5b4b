"""Measures of habits: what is put on one line, what is named how, who reaches into whom."""

import ast
from collections.abc import Iterator

from benchmarks.house.findings import Finding, share
from benchmarks.house.source import Module, Package, Scope, is_private


def _nodes(package: Package) -> Iterator[tuple[Module, ast.AST, Scope]]:
    for module in package.modules:
        for node, scope in module.walk:
            yield module, node, scope


def find_tuple_assignments(package: Package) -> Iterator[Finding]:
    """Assignments `a, b, c = x, y, z` of three values or more."""
    for module, node, scope in _nodes(package):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            values = len(node.value.elts)
            if values >= 3 and any(isinstance(target, ast.Tuple) for target in node.targets):
                yield Finding(module, node.lineno, scope.qualified_name, values)


def find_nested_conditionals(package: Package) -> Iterator[Finding]:
    """Conditional expressions that are a part, at once, of another."""
    for module, node, scope in _nodes(package):
        if isinstance(node, ast.IfExp):
            for part in ast.iter_child_nodes(node):
                if isinstance(part, ast.IfExp):
                    yield Finding(module, part.lineno, scope.qualified_name)


def find_local_names(package: Package) -> Iterator[Finding]:
    """Names that functions bind in their bodies, each as often as it is bound, by their letters.

    Arguments are apart; the variables of loops and comprehensions are among them.
    """
    for module, node, scope in _nodes(package):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and scope.is_function:
            yield Finding(module, node.lineno, f"{scope.qualified_name} {node.id}", len(node.id))


def local_name_length(package: Package) -> float | None:
    """Mean letters of a local name, each as often as it is bound; arguments apart."""
    lengths = [finding.value for finding in find_local_names(package)]
    return share(sum(lengths), len(lengths), per=1)


def is_reach(node: ast.AST) -> bool:
    """`x._private`, where `x` is not `self` or `cls`."""
    if not isinstance(node, ast.Attribute) or not is_private(node.attr):
        return False
    return not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))


def find_reaches(package: Package) -> Iterator[Finding]:
    """Attributes `x._private`, where `x` is not `self` or `cls`."""
    for module, node, scope in _nodes(package):
        if is_reach(node):
            yield Finding(module, node.lineno, f"{scope.qualified_name} {node.attr}")


def find_lookups(package: Package) -> Iterator[Finding]:
    """Calls of `hasattr` and `getattr`."""
    for module, node, scope in _nodes(package):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("hasattr", "getattr"):
                yield Finding(module, node.lineno, f"{scope.qualified_name} {node.func.id}")


def find_ambient(package: Package) -> Iterator[Finding]:
    """Subclasses and calls of `threading.local`, calls of `contextvars.ContextVar`."""
    for module, node, scope in _nodes(package):
        if isinstance(node, ast.ClassDef):
            if any(_is_ambient(base) for base in node.bases):
                yield Finding(module, node.lineno, node.name)
        elif isinstance(node, ast.Call) and _is_ambient(node.func):
            yield Finding(module, node.lineno, f"{scope.qualified_name} {ast.unparse(node.func)}")


def _is_ambient(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        node = node.value
    return ast.unparse(node).rpartition(".")[2] == "ContextVar" or ast.unparse(node) in (
        "threading.local",
        "local",
        "_local",
    )
