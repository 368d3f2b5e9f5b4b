"""The names of `fkeras.utils`."""

import fkeras
from fkeras import data, saving, utils


def test_names_are_those_of_their_rooms():
    for name in ("custom_object_scope", "register_keras_serializable", "deserialize_keras_object"):
        assert getattr(utils, name) is getattr(saving, name)
    for name in ("PyDataset", "pad_sequences", "pack_x_y_sample_weight"):
        assert getattr(utils, name) is getattr(data, name)
    assert utils.standardize_dtype is fkeras.backend.standardize_dtype
    assert utils.disable_interactive_logging is fkeras.config.disable_interactive_logging


def test_what_is_there_is_public_in_keras_too(keras):
    own = set(dir(utils))
    modules = {name for name in own if type(getattr(utils, name)).__name__ == "module"}
    assert own - modules - set(vars(keras.utils)) <= {"is_keras_tensor"}
