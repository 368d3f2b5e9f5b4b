"""`History.plot`, drawn by Matplotlib without a screen."""

import numpy as np
import pytest

import fkeras
from fkeras.callbacks import History
from fkeras.errors import UnknownNameError, UserInputError

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def pyplot():
    matplotlib.use("agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def lines(figure):
    """Title -> label -> points of a chart's lines."""
    return {
        place.get_title(): {
            line.get_label(): list(zip(line.get_xdata(), line.get_ydata())) for line in place.lines
        }
        for place in figure.axes
    }


def test_a_chart_for_each_result_with_its_validation(tmp_path, pyplot):
    x = np.ones((4, 2), "float32")
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(
        x, x[:, :1], epochs=4, validation_data=(x, x[:, :1]), validation_freq=2, verbose=0
    )
    figure = history.plot(path=tmp_path / "history.png")
    assert figure is pyplot.gcf()
    kept = history.history
    assert lines(figure) == {
        name: {
            "training": list(zip([1, 2, 3, 4], kept[name])),
            "validation": list(zip([2, 4], kept[f"val_{name}"])),
        }
        for name in ("loss", "mae")
    }
    assert pyplot.imread(tmp_path / "history.png").size
    assert list(lines(history.plot("mae"))) == ["mae"]
    assert list(lines(history.plot(["mae", "loss"]))) == ["mae", "loss"]
    with pytest.raises(UnknownNameError, match="Did you mean 'loss'"):
        history.plot("los")


def test_callers_of_the_hooks_and_second_fits():
    history = History()
    with pytest.raises(UserInputError, match="after `fit`"):
        history.plot()
    for values in ([3.0, 2.0], [1.0]):
        history.on_train_begin()
        for epoch, value in enumerate(values):
            history.on_epoch_end(epoch, {"loss": value, "per_class": np.ones(2)})
    assert lines(history.plot()) == {"loss": {"training": [(1, 3.0), (2, 2.0), (3, 1.0)]}}
    history.history = {"val_f1": [0.5]}  # as restored from a file
    assert lines(history.plot()) == {"f1": {"validation": [(1, 0.5)]}}
