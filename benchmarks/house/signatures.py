"""Measures of what definitions say about themselves: types and docstrings."""

import ast
from collections.abc import Iterator

from benchmarks.house.findings import Finding, share
from benchmarks.house.source import Package, Scope


def arguments_of(scope: Scope) -> list[ast.arg]:
    """A function's arguments without `self`, `cls`, `*args` and `**kwargs`."""
    arguments = scope.node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument for argument in named if argument.arg not in ("self", "cls")]


def is_type(annotation: ast.expr | None) -> bool:
    """Whether an annotation says something: `Any` and `object` alone do not."""
    if annotation is None:
        return False
    text = ast.unparse(annotation).strip("'\"")
    return text.rpartition(".")[2] not in ("Any", "object")


def _arguments(package: Package, only_public: bool = False) -> Iterator[tuple[Finding, bool]]:
    for module in package.modules:
        for scope in module.functions:
            if only_public and not scope.is_public:
                continue
            for argument in arguments_of(scope):
                name = f"{scope.qualified_name} {argument.arg}"
                yield Finding(module, argument.lineno, name), is_type(argument.annotation)


def typed_arguments(package: Package) -> float | None:
    """Arguments with a type, of 100: `self`, `cls`, `*args`, `**kwargs` and lambdas apart.

    `Any` and `object` alone are no types.
    """
    typed = [is_typed for _, is_typed in _arguments(package)]
    return share(sum(typed), len(typed))


def typed_public_arguments(package: Package) -> float | None:
    """The same of public functions, methods and constructors.

    Public: no leading underscore in the name, in any name around it or in the file's name, and
    not inside a function.
    """
    typed = [is_typed for _, is_typed in _arguments(package, only_public=True)]
    return share(sum(typed), len(typed))


def find_untyped(package: Package) -> Iterator[Finding]:
    """Public arguments without a type."""
    public = _arguments(package, only_public=True)
    return (finding for finding, is_typed in public if not is_typed)


def typed_returns(package: Package) -> float | None:
    """Functions that say what they return, of 100, `None` included."""
    returns = [scope.node.returns for module in package.modules for scope in module.functions]
    return share(sum(annotation is not None for annotation in returns), len(returns))


def _definitions(package: Package) -> Iterator[tuple[Finding, bool]]:
    for module in package.modules:
        for scope in module.scopes:
            if not scope.name.startswith("_") and not scope.parent.is_function:
                finding = Finding(module, scope.node.lineno, scope.qualified_name)
                yield finding, ast.get_docstring(scope.node) is not None


def documented(package: Package) -> float | None:
    """Classes, functions and methods with a docstring, of 100.

    Counted are those without a leading underscore that stand in no function.
    """
    found = [has_docstring for _, has_docstring in _definitions(package)]
    return share(sum(found), len(found))


def find_undocumented(package: Package) -> Iterator[Finding]:
    """Classes, functions and methods without leading underscore and without docstring."""
    return (finding for finding, has_docstring in _definitions(package) if not has_docstring)
