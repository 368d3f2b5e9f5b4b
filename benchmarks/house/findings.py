"""What measures find: places, numbers and how both are shown."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from benchmarks.house.source import Module, Package


@dataclasses.dataclass(frozen=True)
class Finding:
    """One place.

    Attributes:
        module: where.
        line: number of the line.
        name: what is there: the qualified name of a definition, with more after it where a
            definition can hold several.
        value: what ranks it among others.
    """

    module: Module
    line: int
    name: str
    value: float = 1

    @property
    def key(self) -> str:
        """`file::name`, which stays when lines move."""
        return f"{self.module.place}::{self.name}"

    def __str__(self) -> str:
        return f"{self.value:g}\t{self.module.place}:{self.line}\t{self.name}"


Find = Callable[[Package], Iterable[Finding]]


@dataclasses.dataclass(frozen=True)
class Spread:
    """Median, nine of ten, and maximum of some values; `top` is None where it says nothing."""

    median: float
    p90: float
    top: float | None = None


def spread(values: Iterable[float], with_top: bool = True) -> Spread | None:
    """The spread of values; None of no values."""
    ranked = sorted(values)
    if not ranked:
        return None
    p90 = ranked[min(int(0.9 * len(ranked)), len(ranked) - 1)]
    return Spread(ranked[len(ranked) // 2], p90, ranked[-1] if with_top else None)


def share(part: float, whole: float, per: float = 100) -> float | None:
    """`part` for each `per` of `whole`; None of nothing."""
    return per * part / whole if whole else None


def per_thousand(find: Find) -> Callable[[Package], float | None]:
    """A measure: how many are found for each 1,000 lines of code."""

    def measure(package: Package) -> float | None:
        return share(sum(1 for _ in find(package)), package.code_lines, per=1000)

    measure.__doc__ = f"For each 1,000 lines of code. {find.__doc__}"
    return measure


def count(find: Find) -> Callable[[Package], int]:
    """A measure: how many are found."""

    def measure(package: Package) -> int:
        return sum(1 for _ in find(package))

    measure.__doc__ = find.__doc__
    return measure


def ranked(found: Iterable[Finding]) -> Iterator[Finding]:
    """The largest value first, then by place."""
    yield from sorted(found, key=lambda finding: (-finding.value, finding.key, finding.line))
