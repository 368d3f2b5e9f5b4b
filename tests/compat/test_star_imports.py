"""`from keras.layers import *` in scripts of older Keras."""

import types
import warnings

import pytest

from fkeras.compat import standins, star_imports


def names(module, code="", taken=()):
    star = star_imports.with_former_names(
        standins.find(module), taken, compile(code, "script.py", "exec")
    )
    return {name: getattr(star, name) for name in star.__all__}


@pytest.mark.parametrize(
    "module, former, today",
    [
        ("keras.layers", "CuDNNLSTM", "LSTM"),
        ("keras.layers", "Convolution2D", "Conv2D"),
        ("keras.layers.convolutional", "AtrousConvolution2D", "Conv2D"),
        ("keras.losses", "mse", "mean_squared_error"),
        ("keras.objectives", "mae", "mean_absolute_error"),
        ("keras.optimizers", "adam", "Adam"),
        ("keras.regularizers", "l1l2", "L1L2"),
        ("keras.initializers", "normal", "RandomNormal"),
        ("keras.constraints", "maxnorm", "MaxNorm"),
        ("tensorflow.keras.layers", "CuDNNGRU", "GRU"),
    ],
)
def test_former_names_are_among_them(module, former, today):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = names(module)
    assert found[former] is found[today]
    assert not [w for w in caught if former in str(w.message)]  # brought along, and not used


def test_names_that_the_code_uses_are_told():
    with pytest.warns(UserWarning, match="CuDNNLSTM` is called"):
        names("keras.layers", "def build():\n    return CuDNNLSTM(3)")


def test_what_the_script_has_is_not_replaced():
    assert "merge" in names("keras.layers")
    assert "merge" not in names("keras.layers", taken=["merge"])
    assert "sum" not in names("keras.layers")


def test_a_module_without_former_names_is_itself():
    module = standins.find("keras.ops")
    code = compile("", "script.py", "exec")
    assert star_imports.with_former_names(module, (), code) is module
    assert isinstance(module, types.ModuleType)


def test_scripts(command):
    printed = command.output("""
        import warnings; warnings.simplefilter("ignore")
        from keras.layers import *
        from keras.losses import *
        from keras import backend as K
        from keras.utils.image_utils import img_to_array
        x = Input((4,))
        print(x.shape.as_list(), CuDNNGRU.__name__, mse.__name__)
        loss = K.variable(0.0)
        loss = loss + K.sum(x) * K.constant(2.0)
        loss = K.constant([1.0]) * loss
        print(K.function([x], [loss])([[[1.0, 2.0, 3.0, 4.0]]])[0].item())
    """)
    assert printed == "[None, 4] GRU mean_squared_error\n20.0\n"
