import warnings

import pytest

from fkeras.core import warn_once


def given(times, **kwargs):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        for _ in range(times):
            warn_once.warn("text", 1, **kwargs)
    return len(record)


def test_outside_of_a_scope_every_warning_is_given():
    assert given(3) == 3


def test_inside_a_scope_a_warning_is_given_once():
    with warn_once.scope():
        assert given(3) == 1
        assert given(1, key="another") == 1
        assert given(2, key="another") == 0
    assert given(1) == 1


def test_an_inner_scope_starts_anew():
    with warn_once.scope():
        assert given(1) == 1
        with warn_once.scope():
            assert given(2) == 1
        assert given(1) == 0


def test_a_warning_points_at_the_line_that_its_stack_level_says():
    with pytest.warns(UserWarning, match="text") as record:
        warn_once.warn("text", 1)
    assert record[0].filename == __file__


def test_a_line_warns_once_though_somebody_changes_filters():
    def warn():
        warn_once.warn_user("said of this line")

    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.showwarning = lambda message, *_, **__: shown.append(str(message))
        shown = []
        for _ in range(3):
            warn()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
        assert shown == ["said of this line"]
        warnings.simplefilter("always")
        warn()
        assert len(shown) == 2
