"""Measures of packages as a table of columns, or the places that one measure counts."""

import argparse
import dataclasses
import pathlib
from collections.abc import Callable

from benchmarks.house import functions, imports, rooms, signatures, style, text
from benchmarks.house.findings import Find, Spread, count, per_thousand, ranked
from benchmarks.house.source import Package, read_package
from benchmarks.tables import table

ROOT = pathlib.Path(__file__).parents[2]
Value = int | float | Spread | None


@dataclasses.dataclass(frozen=True)
class Row:
    """A measure with its title and the format of its numbers."""

    title: str
    measure: Callable[[Package], Value]
    form: str = ",.0f"

    def cell(self, package: Package) -> str:
        value = self.measure(package)
        if value is None:
            return "–"
        if not isinstance(value, Spread):
            return format(value, self.form)
        parts = [value.median, value.p90, value.top]
        return " / ".join(format(part, self.form) for part in parts if part is not None)


ROWS = (
    Row("files", text.files),
    Row("lines", text.lines),
    Row("lines of code (no blank, comment, docstring)", text.code_lines),
    Row("tokens of code", text.tokens),
    Row("tokens a code line", text.tokens_per_line, ".1f"),
    Row("file length median / p90 / max", text.file_length),
    Row("modules in import circles, imports at the top", count(imports.find_circles)),
    Row("the same, imports in functions too", count(imports.find_circles_in_functions)),
    Row("typed arguments %", signatures.typed_arguments),
    Row("typed returns %", signatures.typed_returns),
    Row("typed public arguments %", signatures.typed_public_arguments),
    Row("comment lines per 100 of code", text.comments, ".1f"),
    Row("docstring lines per 100 of code", text.docstring_lines),
    Row("public definitions with a docstring %", signatures.documented),
    Row("lines of doctest", text.doctests),
    Row("functions", functions.functions),
    Row("function length median / p90 / max (no docstring)", functions.function_length),
    Row("cyclomatic mean", functions.complexity_mean, ".1f"),
    Row("cyclomatic median / p90 / max", functions.complexity),
    Row("functions above 10, %", functions.complex_functions, ".1f"),
    Row("code line width p50 / p90", text.line_width),
    Row("code lines over 100 columns %", text.wide_lines, ".1f"),
    Row(
        "`a, b, c = x, y, z` (3 or more) per 1,000",
        per_thousand(style.find_tuple_assignments),
        ".1f",
    ),
    Row(
        "conditional expression in another, per 1,000",
        per_thousand(style.find_nested_conditionals),
        ".2f",
    ),
    Row("mean length of a local name", style.local_name_length, ".1f"),
    Row("`x._private`, x not self or cls, per 1,000", per_thousand(style.find_reaches), ".1f"),
    Row("`hasattr` and `getattr` per 1,000", per_thousand(style.find_lookups), ".1f"),
    Row("thread-local or context variables", count(style.find_ambient)),
    Row("reaches up", count(rooms.find_reaches_up)),
    Row("tests : code, lines of code", rooms.tests_to_code, ".2f"),
    Row("tests : code, all lines", rooms.test_lines_to_lines, ".2f"),
)


LISTS: dict[str, Find] = {
    "ambient": style.find_ambient,
    "circles": imports.find_circles,
    "conditionals": style.find_nested_conditionals,
    "cyclomatic": functions.find_complexities,
    "faces": rooms.find_definitions_in_faces,
    "files": text.find_files,
    "functions": functions.find_functions,
    "lines": text.find_wide_lines,
    "lookups": style.find_lookups,
    "names": style.find_local_names,
    "private": style.find_reaches,
    "reaches": rooms.find_reaches_up,
    "tuples": style.find_tuple_assignments,
    "undocumented": signatures.find_undocumented,
    "untested": rooms.find_untested_modules,
    "untyped": signatures.find_untyped,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house", description=__doc__)
    parser.add_argument(
        "packages",
        nargs="*",
        metavar="package",
        help="folder of a project or package, or name of an installed package; fkeras by default",
    )
    parser.add_argument("--list", choices=sorted(LISTS), help="show its places instead")
    parser.add_argument("--top", type=int, help="only so many of them")
    parser.add_argument("--keys", action="store_true", help="as quoted keys, `file::name`")
    options = parser.parse_args()
    packages = [read_package(what) for what in options.packages or [str(ROOT)]]
    if options.list:
        for package in packages:
            _print_places(package, LISTS[options.list], options.top, options.keys)
    else:
        _print_measures(packages, options.packages or [packages[0].name])
        for package in packages:
            _print_rooms(package)


def _print_places(package: Package, find: Find, top: int | None, as_keys: bool) -> None:
    places = list(ranked(find(package)))[:top]
    lines = sorted({f'    "{place.key}",' for place in places}) if as_keys else map(str, places)
    print("\n".join(lines))


def _print_measures(packages: list[Package], titles: list[str]) -> None:
    rows = [(row.title, *(row.cell(package) for package in packages)) for row in ROWS]
    print(table(("measure", *titles), rows, words=1))


def _print_rooms(package: Package) -> None:
    """Tests to code by room, where a package has rooms of tests."""
    if any(module.place.startswith("tests/") for module in package.tests):
        columns = (f"room of {package.name}", "code", "tests", "tests : code", "by all lines")
        rows = [
            (room, f"{code:,}", f"{tests:,}", f"{ratio or 0:.2f}", f"{by_lines or 0:.2f}")
            for room, code, tests, ratio, by_lines in rooms.tests_by_room(package)
        ]
        print("\n" + table(columns, rows, words=1))


if __name__ == "__main__":
    main()
