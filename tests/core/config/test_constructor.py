import pytest

from fkeras.core.config import constructor


class Base:
    def __init__(self, units, scale=1.0, **kwargs):
        self.units = units
        self._scale = scale
        self.rest = kwargs


class Derived(Base):
    def __init__(self, name, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.name = name


class Closed(Base):
    """Passes nothing on: its bases' arguments are its own affair."""

    def __init__(self, size=3):
        super().__init__(size)
        self.size = size


class Method:
    def __init__(self, call, plain=2):
        pass

    def call(self):
        """A method of an argument's name."""


@pytest.mark.parametrize(
    ("cls", "args", "kwargs", "expected"),
    [
        (Base, (4,), {"scale": 2.0}, {"units": 4, "scale": 2.0}),
        (Base, (4,), {}, {"units": 4, "scale": 1.0}),
        (Derived, ("n", 4), {}, {"name": "n", "units": 4, "scale": 1.0}),
        (Derived, ("n",), {"units": 4, "scale": 3.0}, {"name": "n", "units": 4, "scale": 3.0}),
        (Closed, (), {}, {"size": 3}),
        (Method, ("f",), {}, {"call": "f", "plain": 2}),
        (object, (), {}, {}),
    ],
)
def test_a_config_is_what_the_constructor_was_given(cls, args, kwargs, expected):
    arguments = constructor.bind_arguments(cls, args, kwargs)
    assert constructor.config_from_signature(cls(*args, **kwargs), arguments) == expected


def test_the_attribute_counts_before_the_argument():
    obj = Base(4)
    obj.units = 5
    assert constructor.config_from_signature(obj, {"units": 4})["units"] == 5


def test_values_are_converted_by_name():
    config = constructor.config_from_signature(
        Base(4), {}, convert=lambda name, value: f"{name}={value}"
    )
    assert config == {"units": "units=4", "scale": "scale=1.0"}


@pytest.mark.parametrize(
    ("cls", "args", "kwargs", "expected"),
    [
        (Base, (1, 2), {}, {"units": 1, "scale": 2}),
        (Base, (1,), {"extra": 3}, {"units": 1, "extra": 3}),
        (Derived, ("n", 1, 2), {}, {"name": "n"}),
        (Base, (1, 2, 3), {"scale": 4}, {"scale": 4}),  # does not fit: the keywords alone
        (Base, (), {"scale": 4}, {"scale": 4}),
    ],
)
def test_arguments_are_bound_by_name(cls, args, kwargs, expected):
    assert constructor.bind_arguments(cls, args, kwargs) == expected
