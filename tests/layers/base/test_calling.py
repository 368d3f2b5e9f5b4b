"""What surrounds `call`: arguments, `training`, dtypes, masks, losses, rematerialisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.core.values.masks import get_mask, set_mask
from fkeras.errors import UserInputError

X = np.ones((2, 3), "float32")


class Told(layers.Layer):
    """Keeps the `training` of each call."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, x, training=None):
        self.seen.append(training)
        return x


class Silent(layers.Layer):
    """Knows no `training`, but holds a layer that does."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Told()

    def call(self, x):
        return self.inner(x)


class Default(Silent):
    def call(self, x, training=True):
        return self.inner(x)


@pytest.mark.parametrize("training", [True, False, None])
def test_training_travels_through_layers_that_do_not_know_it(training):
    layer = Silent()
    layer(X, training=training)
    assert layer.inner.seen == [training]


def test_the_default_of_a_signature_counts_for_that_call_alone():
    layer = Default()
    layer(X)
    assert layer.inner.seen == [None]
    layer(X, training=False)
    assert layer.inner.seen == [None, False]


def test_an_own_argument_wins_over_the_outer_call():
    class Frozen(Silent):
        def call(self, x):
            return self.inner(x, training=False)

    layer = Frozen()
    layer(X, training=True)
    assert layer.inner.seen == [False]


def test_a_layer_without_call_says_so():
    with pytest.raises(NotImplementedError, match="Layer 'Layer' does not have a `call"):
        layers.Layer()(X)


def test_a_forgotten_super_init_says_so():
    class Forgetful(layers.Layer):
        def __init__(self):
            pass

        def call(self, x):
            return x

    with pytest.raises(RuntimeError, match=r"forgot to call `super\(\).__init__\(\)`"):
        Forgetful()(X)


@pytest.mark.parametrize(
    ("policy", "given", "seen"),
    [
        ("float32", np.float64, "float32"),
        ("float32", jnp.bfloat16, "float32"),
        ("bfloat16", np.float32, "bfloat16"),
        ("mixed_float16", np.float32, "float16"),
        ("float32", np.int32, "int32"),
        ("float32", np.bool_, "bool"),
    ],
)
def test_float_inputs_are_cast_to_the_compute_dtype(policy, given, seen):
    class Dtype(layers.Layer):
        def call(self, x):
            self.dtype_seen = str(x.dtype)
            return x

    layer = Dtype(dtype=policy)
    layer(np.ones(2, given))
    assert layer.dtype_seen == seen


def test_autocast_off_keeps_the_dtype_of_inputs():
    class Dtype(layers.Layer):
        def call(self, x):
            return x

    assert Dtype(autocast=False)(jnp.ones(2, jnp.bfloat16)).dtype == jnp.bfloat16


def test_lists_and_floats_become_arrays_and_strings_stay():
    class Kinds(layers.Layer):
        def call(self, x):
            self.kind = type(x)
            return x

    layer = Kinds()
    layer([[1.0, 2.0], [3.0, 4.0]])
    assert issubclass(layer.kind, jax.Array)
    layer(2.0)
    assert issubclass(layer.kind, jax.Array)
    layer(np.array(["a", "b"]))
    assert layer.kind is np.ndarray


def test_an_option_given_by_position_is_an_error():
    with pytest.raises(UserInputError, match="should be passed as a keyword argument: training="):
        Told()(X, True)


def test_masks_arrive_pass_and_are_dropped_with_a_warning():
    class Masked(layers.Layer):
        supports = True

        def __init__(self):
            super().__init__()
            self.supports_masking = self.supports

        def call(self, x, mask=None):
            self.mask = mask
            return x + 1.0

    mask = jnp.array([[True, False, True]] * 2)
    x = jnp.asarray(X)
    set_mask(x, mask)
    layer = Masked()
    np.testing.assert_array_equal(get_mask(layer(x)), mask)
    np.testing.assert_array_equal(layer.mask, mask)

    class Dropping(Masked):
        supports = False

    with pytest.warns(UserWarning, match="does not support masking.*destroy the mask"):
        output = Dropping()(x)
    assert get_mask(output) is None


def test_an_activity_regularizer_counts_per_example():
    small, large = (layers.Layer(activity_regularizer="l2") for _ in range(2))
    for layer, count in ((small, 2), (large, 20)):
        layer.call = lambda x: x
        layer(np.ones((count, 3), "float32"))
    np.testing.assert_allclose(small.losses[0], large.losses[0], rtol=1e-6)
    np.testing.assert_allclose(small.losses[0], 0.01 * 3, rtol=1e-6)


def test_losses_of_the_last_call_and_of_weights():
    class Adding(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight((1,), "ones", regularizer=lambda w: 3.0 * w.sum())

        def call(self, x):
            self.add_loss(x.sum())
            self.add_loss([2.0, lambda: 4.0])
            return x

    layer = Adding()
    for _ in range(2):
        layer(X)
    assert [float(loss) for loss in layer.losses] == [6.0, 2.0, 4.0, 3.0]


def computed_gradient(scope, x):
    with scope:
        layer = fkeras.Sequential([layers.Dense(4, kernel_initializer="ones"), layers.Dense(1)])
    variables = layer.init(jax.random.key(0), x)

    def loss(params):
        return layer.apply({"params": params, "state": {}}, x)[0].sum()

    jaxpr = str(jax.make_jaxpr(jax.grad(loss))(variables["params"]))
    return jax.grad(loss)(variables["params"]), jaxpr


@pytest.mark.parametrize(
    ("scope", "is_remat"),
    [
        (fkeras.RematScope("full"), True),
        (fkeras.RematScope("activations"), True),
        (fkeras.RematScope(None), False),
        (fkeras.RematScope("larger_than", output_size_threshold=3), True),
        (fkeras.RematScope("larger_than", output_size_threshold=1000), False),
        (fkeras.RematScope("list_of_layers", layer_names=["other"]), False),
    ],
)
def test_rematerialised_layers_compute_the_same_gradient(scope, is_remat):
    plain, _ = computed_gradient(fkeras.RematScope(None), X)
    gradient, jaxpr = computed_gradient(scope, X)
    assert ("remat" in jaxpr or "checkpoint" in jaxpr) is is_remat
    jax.tree.map(np.testing.assert_array_equal, gradient, plain)
