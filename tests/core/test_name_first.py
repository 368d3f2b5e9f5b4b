import pytest

from fkeras.core.name_first import name_may_come_first


class Owner:
    @name_may_come_first(("name", "shape"))
    def add(self, shape=(), initializer="ones", name=None):
        """Adds."""
        return shape, initializer, name


def test_a_name_in_the_first_place_is_taken_with_a_warning():
    with pytest.warns(UserWarning, match=r"Today: `add\(name='total', shape=...\)`"):
        assert Owner().add("total", (2,)) == ((2,), None, "total")
    with pytest.warns(UserWarning):
        assert Owner().add("total", initializer="zeros") == ((), "zeros", "total")
    assert Owner().add((2,), name="total") == ((2,), "ones", "total")
    assert Owner.add.__doc__ == "Adds."
