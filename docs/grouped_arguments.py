"""An extension of griffe, which reads the docstrings for the site: `a, b: text`
documents two arguments, each with its own annotation and default. Without it both would
be shown as required.
"""

from __future__ import annotations

from typing import Any

import griffe


class GroupedArguments(griffe.Extension):
    """Splits what documents several arguments into one entry for each."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Called when a package has been read."""
        _visit(pkg)


def _visit(obj: griffe.Object) -> None:
    for member in list(obj.members.values()):
        if member.is_alias:
            continue
        if member.docstring is not None and (member.is_function or member.is_class):
            _split(member)
        _visit(member)


def _split(obj: griffe.Object) -> None:
    for section in obj.docstring.parsed:
        if section.kind is griffe.DocstringSectionKind.parameters:
            section.value = [
                single for entry in section.value for single in _singles(obj, entry)
            ]


def _singles(obj: griffe.Object, entry: Any) -> list[Any]:
    names = [name.strip() for name in entry.name.split(",")]
    if len(names) == 1:
        return [entry]
    try:
        parameters = {p.name.lstrip("*"): p for p in obj.parameters}
    except (AttributeError, KeyError):  # a class without a constructor of its own
        parameters = {}
    singles = []
    for name in names:
        known = parameters.get(name.lstrip("*"))
        singles.append(
            griffe.DocstringParameter(
                name=name,
                description=entry.description,
                annotation=known.annotation if known else None,
                value=str(known.default)
                if known and known.default is not None
                else None,
            )
        )
    return singles
