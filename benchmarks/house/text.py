"""Measures of files, lines and tokens."""

import re
import tokenize
from collections.abc import Iterator

from benchmarks.house.findings import Finding, Spread, share, spread
from benchmarks.house.source import Module, Package

WIDTH = 100
_LICENCE = re.compile(r"copyright|licen[sc]e|spdx", re.IGNORECASE)


def files(package: Package) -> int:
    """Python files, tests apart, `__init__.py` among them."""
    return len(package.modules)


def lines(package: Package) -> int:
    """All lines."""
    return sum(len(module.lines) for module in package.modules)


def code_lines(package: Package) -> int:
    """Lines with code on them: no blank lines, lines of comment alone, docstrings."""
    return package.code_lines


def tokens(package: Package) -> int:
    """Python's tokens without comments, docstrings, ends of lines and indents."""
    return sum(len(module.code_tokens) for module in package.modules)


def tokens_per_line(package: Package) -> float | None:
    """Tokens of code for each line of code."""
    return share(tokens(package), package.code_lines, per=1)


def find_files(package: Package) -> Iterator[Finding]:
    """Files by their lines."""
    return (Finding(m, 1, "<module>", len(m.lines)) for m in package.modules)


def file_length(package: Package) -> Spread | None:
    """All lines of a file, `__init__.py` apart: median, p90, max."""
    return spread(found.value for found in find_files(package) if not found.module.is_package)


def comments(package: Package) -> float | None:
    """Lines with a comment on them for each 100 lines of code; licences at the top apart."""
    return share(sum(map(_count_comments, package.modules)), package.code_lines)


def _count_comments(module: Module) -> int:
    numbers = {t.start[0] for t in module.tokens if t.type == tokenize.COMMENT}
    header = _header(module)
    if _LICENCE.search("\n".join(module.lines[:header])):
        numbers -= set(range(1, header + 1))
    return len(numbers)


def _header(module: Module) -> int:
    """How many lines stand before the first that is neither blank nor a comment."""
    for number, line in enumerate(module.lines):
        if line.strip() and not line.lstrip().startswith("#"):
            return number
    return len(module.lines)


def docstring_lines(package: Package) -> float | None:
    """Lines of docstrings, blank ones apart, for each 100 lines of code."""
    found = sum(len(_docstring_lines(module)) for module in package.modules)
    return share(found, package.code_lines)


def _docstring_lines(module: Module) -> list[str]:
    spans = [module.lines[node.lineno - 1 : node.end_lineno] for node in module.docstrings]
    return [line for span in spans for line in span if line.strip()]


def doctests(package: Package) -> int:
    """Lines that start with `>>> `."""
    return sum(
        line.lstrip().startswith(">>> ") for module in package.modules for line in module.lines
    )


def find_wide_lines(package: Package) -> Iterator[Finding]:
    """All lines of more than 100 columns, those of docstrings too."""
    for module in package.modules:
        yield from module_wide_lines(module)


def module_wide_lines(module: Module) -> Iterator[Finding]:
    """A module's lines of more than 100 columns."""
    for number, line in enumerate(module.lines, 1):
        if len(line) > WIDTH:
            yield Finding(module, number, "<line>", len(line))


def _widths(package: Package) -> list[int]:
    """Columns of the lines with code or a comment."""
    return [width for module in package.modules for width in _module_widths(module)]


def _module_widths(module: Module) -> Iterator[int]:
    spans = (range(node.lineno, node.end_lineno + 1) for node in module.docstrings)
    docstrings = {number for span in spans for number in span}
    for number, line in enumerate(module.lines, 1):
        if line.strip() and number not in docstrings:
            yield len(line)


def line_width(package: Package) -> Spread | None:
    """Columns of a line with code or a comment, docstrings apart: median and p90."""
    return spread(_widths(package), with_top=False)


def wide_lines(package: Package) -> float | None:
    """Lines of more than 100 columns, of 100 with code or a comment; docstrings apart."""
    widths = _widths(package)
    return share(sum(width > WIDTH for width in widths), len(widths))
