"""Safe mode: no code of a config runs unless the outermost caller says so."""

import json
import pickle
import threading

import jax.numpy as jnp
import pytest

import fkeras
from fkeras import config as settings
from fkeras.core.config import scopes
from fkeras.errors import UserInputError

deserialize = fkeras.saving.deserialize_keras_object
LAMBDA = fkeras.saving.serialize_keras_object(lambda x, factor=3: factor * x)


def lambda_layer():
    return fkeras.layers.Lambda(lambda x: 2 * x, name="double")


def nested_configs():
    """Configs that hold code somewhere, by where it is."""
    layer = fkeras.saving.serialize_keras_object(lambda_layer())
    model = fkeras.Sequential([fkeras.Input((2,)), lambda_layer()])
    inputs = fkeras.Input((2,))
    functional = fkeras.Model(inputs, lambda_layer()(inputs))
    wrapped = fkeras.layers.TimeDistributed(lambda_layer())
    return {
        "itself": LAMBDA,
        "a list": [1, {"deep": [LAMBDA]}],
        "a tuple value": {"class_name": "__tuple__", "config": {"value": [LAMBDA]}},
        "a layer": layer,
        "a wrapper": fkeras.saving.serialize_keras_object(wrapped),
        "Sequential": fkeras.saving.serialize_keras_object(model),
        "functional": fkeras.saving.serialize_keras_object(functional),
        "a model in a model": fkeras.saving.serialize_keras_object(
            fkeras.Sequential([fkeras.Input((2,)), model])
        ),
        "a build config": {
            **fkeras.saving.serialize_keras_object(fkeras.layers.Dense(1)),
            "build_config": {"input_shape": LAMBDA},
        },
    }


@pytest.mark.parametrize("place", list(nested_configs()))
def test_code_is_refused_wherever_it_stands(place):
    with pytest.raises(UserInputError, match="lambda, which is code"):
        deserialize(nested_configs()[place])


@pytest.mark.parametrize("place", [p for p in nested_configs() if p != "a build config"])
def test_code_is_revived_where_the_caller_asks_for_it(place):
    assert deserialize(nested_configs()[place], safe_mode=False) is not None


def test_a_revived_lambda_computes_with_its_defaults_and_builtins():
    revived = deserialize(LAMBDA, safe_mode=False)
    assert revived(2) == 6 and revived(2, factor=5) == 10
    length = fkeras.saving.serialize_keras_object(lambda x: len(x))
    assert deserialize(length, safe_mode=False)([1, 2]) == 2
    with pytest.raises(NameError):  # no other globals
        deserialize(fkeras.saving.serialize_keras_object(lambda: pytest), safe_mode=False)()


def test_a_lambda_takes_along_what_it_closes_over():
    width, layer = 3, fkeras.layers.Dense(1)
    written = json.loads(json.dumps(fkeras.saving.serialize_keras_object(lambda x: x[-width:])))
    assert deserialize(written, safe_mode=False)([1, 2, 3, 4]) == [2, 3, 4]
    lock = threading.Lock()  # has no config
    written = fkeras.saving.serialize_keras_object(lambda x: (x, layer, lock))
    with pytest.raises(UserInputError, match=r"closes over \['layer', 'lock'\]"):
        deserialize(written, safe_mode=False)


def test_nothing_on_the_way_can_leave_safe_mode():
    @fkeras.saving.register_keras_serializable("test_code")
    class Sly(fkeras.layers.Layer):
        @classmethod
        def from_config(cls, config):
            deserialize(config["secret"], safe_mode=False)
            return cls()

    described = {
        "class_name": "Sly",
        "config": {"secret": LAMBDA},
        "registered_name": "test_code>Sly",
        "module": None,
    }
    with pytest.raises(UserInputError, match="lambda, which is code"):
        deserialize(described)
    assert isinstance(deserialize(described, safe_mode=False), Sly)


def test_none_is_no_way_out_of_safe_mode():
    with pytest.raises(UserInputError, match="which is code"):
        deserialize(LAMBDA, safe_mode=None)


def test_the_switch_for_the_process_opens_every_entry():
    settings.enable_unsafe_deserialization()
    assert deserialize(LAMBDA)(1) == 3
    assert deserialize(nested_configs()["Sequential"])(jnp.ones((1, 2))).tolist() == [[2, 2]]
    with scopes.SafeModeScope(True), pytest.raises(UserInputError, match="which is code"):
        deserialize(LAMBDA)


@pytest.mark.parametrize(
    "entry",
    [
        fkeras.layers.deserialize,
        fkeras.activations.deserialize,
        fkeras.losses.deserialize,
        fkeras.metrics.deserialize,
        fkeras.initializers.deserialize,
        fkeras.regularizers.get,
        fkeras.constraints.get,
        lambda config: fkeras.Sequential.from_config({"name": "s", "layers": [config]}),
        lambda config: fkeras.layers.Dense.from_config({"units": 1, "activation": config}),
        lambda config: fkeras.models.model_from_json(json.dumps(config)),
    ],
)
def test_every_entry_is_safe_by_default(entry):
    with pytest.raises(ValueError, match="which is code"):
        entry(LAMBDA)


def test_a_file_is_read_safely_unless_the_caller_says_otherwise(tmp_path):
    model = fkeras.Sequential([fkeras.Input((2,)), lambda_layer(), fkeras.layers.Dense(1)])
    path = tmp_path / "model"
    model.save(path)
    with pytest.raises(UserInputError, match="which is code"):
        fkeras.saving.load_model(path)
    loaded = fkeras.saving.load_model(path, safe_mode=False)
    x = jnp.ones((3, 2))
    assert jnp.allclose(loaded(x), model(x))
    settings.enable_unsafe_deserialization()
    assert jnp.allclose(fkeras.saving.load_model(path)(x), model(x))


def test_a_named_function_travels_without_code(tmp_path):
    @fkeras.saving.register_keras_serializable("test_code")
    def twice(x):
        return 2 * x

    config = fkeras.saving.serialize_keras_object(fkeras.layers.Activation(twice))
    assert deserialize(config).activation is twice
    assert '"code"' not in json.dumps(config)


def test_pickles_of_configs_hold_plain_values():
    config = pickle.loads(pickle.dumps(nested_configs()["functional"]))
    assert json.loads(json.dumps(config)) is not None
