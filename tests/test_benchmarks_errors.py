"""The mistakes of `benchmarks/errors.py`: none is silent, and errors are short."""

from benchmarks import errors


def test_no_mistake_is_silent_and_errors_are_short():
    lines = errors.measure("fkeras")
    assert len(lines) == len(errors.MISTAKES) == 19
    assert [name for name, count in lines.items() if count == 0 or count > 12] == []
