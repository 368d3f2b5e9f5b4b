"""Measures of functions: how many, how long, how branched."""

import ast
from collections.abc import Iterator

from benchmarks.house.findings import Finding, Spread, share, spread
from benchmarks.house.source import Module, Package, Scope

BRANCHES = 10
_BRANCHES = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.Assert,
    ast.IfExp,
    ast.match_case,
)


def functions(package: Package) -> int:
    """Functions, methods and functions inside functions; no lambdas."""
    return sum(len(module.functions) for module in package.modules)


def find_functions(package: Package) -> Iterator[Finding]:
    """Functions by their lines from `def` to the end, decorators and docstring apart."""
    for module in package.modules:
        for scope in module.functions:
            yield Finding(module, scope.node.lineno, scope.qualified_name, _length(scope))


def _length(scope: Scope) -> int:
    node = scope.node
    length = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is None:
        return length
    return length - (node.body[0].end_lineno - node.body[0].lineno + 1)


def function_length(package: Package) -> Spread | None:
    """Lines from `def` to the end, decorators and docstring apart: median, p90, max."""
    return spread(finding.value for finding in find_functions(package))


def find_complexities(package: Package) -> Iterator[Finding]:
    """Functions by cyclomatic complexity, as radon counts it.

    1, and 1 for each `if`, `elif`, `for`, `while`, `except`, `assert`, conditional expression,
    case of a `match`, further operand of `and` and `or`, `for` of a comprehension and `if` of a
    comprehension. `with`, `else`, `finally` and lambdas add nothing. Functions inside a function
    count by themselves.
    """
    for module in package.modules:
        yield from module_complexities(module)


def module_complexities(module: Module) -> Iterator[Finding]:
    """Each function of a module with its cyclomatic complexity."""
    complexities = {scope.node: 1 for scope in module.functions}
    for node, scope in module.walk:
        if scope.node in complexities:
            complexities[scope.node] += _branches(node)
    for scope in module.functions:
        value = complexities[scope.node]
        yield Finding(module, scope.node.lineno, scope.qualified_name, value)


def _branches(node: ast.AST) -> int:
    if isinstance(node, _BRANCHES):
        return 1
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return 0


def complexity_mean(package: Package) -> float | None:
    """Mean cyclomatic complexity."""
    values = [finding.value for finding in find_complexities(package)]
    return share(sum(values), len(values), per=1)


def complexity(package: Package) -> Spread | None:
    """Cyclomatic complexity: median, p90, max."""
    return spread(finding.value for finding in find_complexities(package))


def complex_functions(package: Package) -> float | None:
    """Functions of a cyclomatic complexity above 10, of 100."""
    values = [finding.value for finding in find_complexities(package)]
    return share(sum(value > BRANCHES for value in values), len(values))
