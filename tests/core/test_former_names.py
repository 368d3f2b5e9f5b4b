"""Names of older Keras, found in today's namespaces with one warning."""

import warnings

import pytest

import fkeras
from fkeras.core import former_names

# Names whose value another room builds: they are there as soon as it is.
LATER = {("utils", "plot")}
ROWS = [
    (room, name)
    for room, names in former_names.FORMER.items()
    for name in names
    if (room, name) not in LATER
]


@pytest.mark.parametrize("room, name", ROWS, ids=[".".join(row) for row in ROWS])
def test_a_former_name_is_answered_with_one_warning_and_not_listed(room, name):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = former_names.find(room, name)
    assert callable(value)
    assert len(caught) == 1 and f"keras.{room}.{name}" in str(caught[0].message)
    assert name not in dir(getattr(fkeras, room))


def test_the_namespaces_themselves_answer():
    with pytest.warns(UserWarning, match="`keras.losses.mse` is called"):
        assert fkeras.losses.mse is fkeras.losses.mean_squared_error
    with pytest.warns(UserWarning, match="ThresholdedReLU"):
        from fkeras.layers import ThresholdedReLU
    assert ThresholdedReLU.__name__ == "ThresholdedReLU"


@pytest.mark.parametrize(
    "get, name, today",
    [
        (fkeras.losses.get, "cosine_proximity", "cosine_similarity"),
        (fkeras.losses.get, "kullback_leibler_divergence", "kl_divergence"),
        (fkeras.metrics.get, "cosine_proximity", "cosine_similarity"),
        (fkeras.constraints.get, "maxnorm", "MaxNorm"),
        (fkeras.regularizers.get, "activity_l2", "L2"),
    ],
)
def test_they_count_where_names_are_given_as_strings(get, name, today):
    with pytest.warns(UserWarning, match=f"{name!r} is called {today!r} today"):
        found = get(name)
    labels = [getattr(found, "__name__", None), type(found).__name__, getattr(found, "name", None)]
    assert today in labels


def test_lookups_can_be_silent():
    with former_names.silently(), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert former_names.find("losses", "mae") is fkeras.losses.mean_absolute_error
    assert former_names.find("losses", "no_such_loss") is None


def test_reductions_under_their_former_names():
    with pytest.warns(UserWarning):
        reduction = fkeras.losses.Reduction
    assert reduction.all() == ("auto", "none", "sum", "sum_over_batch_size")
    loss = fkeras.losses.MeanSquaredError(reduction=reduction.AUTO)
    assert loss.reduction == "sum_over_batch_size" and float(loss([1.0, 1.0], [2.0, 1.0])) == 0.5
    with pytest.raises(ValueError, match="'mean'"):
        reduction.validate("mean")
