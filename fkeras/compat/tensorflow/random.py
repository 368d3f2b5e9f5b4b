"""`tf.random`. Inside of a model's call numbers come from the call's key, as those of
`fkeras.random` do; outside they are NumPy's, so that a `map` over a data set makes no call of JAX.

Numbers are not TensorFlow's own for the same seed.
"""

from __future__ import annotations

import math
import threading
from types import ModuleType
from typing import Any

import jax.numpy as jnp
import numpy as np

from fkeras import random as keras_random
from fkeras.compat.tensorflow import creation
from fkeras.compat.tensorflow.calls import is_on_device, known, shape_tuple, tensors, to_numpy
from fkeras.compat.tensorflow.dtypes import as_dtype, numpy_dtype
from fkeras.core import jax_private
from fkeras.core.randomness import key_scopes, process_generator
from fkeras.core.values import lending
from fkeras.data.pipeline.host_array import host_array
from fkeras.errors import UserInputError
from fkeras.types import ArrayLike, DTypeLike, ShapeLike, Tensor, TensorLike

_lock = threading.Lock()
_host: dict[str, Any] = {"resets": None, "generator": None}


def set_seed(seed: int) -> None:
    """Seeds all random numbers of fkeras and of `tf.random`. NumPy's and Python's are seeded by
    `keras.utils.set_random_seed`.
    """
    process_generator.reset(int(seed) % 2**32)


def host_generator() -> np.random.Generator:
    """The generator of numbers outside of models: it begins anew where the process's is seeded."""
    with _lock:
        resets = process_generator.reset_count()
        if _host["resets"] != resets:
            seed = process_generator.process_seed()
            _host.update(resets=resets, generator=np.random.default_rng([seed, 0x7F]))
        return _host["generator"]


def is_in_program() -> bool:
    """Whether a program is being made, or a call with keys of its own is open."""
    return (
        key_scopes.current_scope() is not None
        or lending.in_abstract_call()
        or jax_private.is_staging(jax_private.current_trace())
    )


def _seed_in_program(seed: Any) -> Any:
    # The call's key where there is one: a seed would give each step the same numbers.
    has_keys = key_scopes.current_scope() is not None or lending.in_abstract_call()
    return None if has_keys else seed


class Draws:
    """The distributions on the host, by one generator of NumPy.

    Args:
        generator: where the numbers come from.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator

    def normal(self, shape: Any, mean: Any, stddev: Any, dtype: DTypeLike) -> np.ndarray:
        """Of the normal distribution."""
        values = self.generator.standard_normal(shape, np.float32)
        return (values * to_numpy(stddev) + to_numpy(mean)).astype(numpy_dtype(dtype))

    def truncated_normal(self, shape: Any, mean: Any, stddev: Any, dtype: DTypeLike) -> np.ndarray:
        """Of the normal distribution within two `stddev`."""
        from scipy.special import ndtri

        edge = 0.5 * math.erfc(math.sqrt(2))  # of two deviations
        values = ndtri(self.generator.uniform(edge, 1 - edge, shape))
        return (values * stddev + mean).astype(numpy_dtype(dtype))

    def uniform(self, shape: Any, minval: Any, maxval: Any, dtype: DTypeLike) -> np.ndarray:
        """In [minval, maxval)."""
        if as_dtype(dtype).is_integer:
            if maxval is None:
                raise UserInputError("tf.random.uniform: integers need `maxval`.")
            low, high = (to_numpy(v).astype(np.int64) for v in (minval, maxval))
            return self.generator.integers(low, high, shape).astype(numpy_dtype(dtype))
        maxval = 1 if maxval is None else maxval
        values = self.generator.random(shape, np.float32)
        low, high = to_numpy(minval), to_numpy(maxval)
        return (values * (high - low) + low).astype(numpy_dtype(dtype))

    def shuffle(self, value: TensorLike) -> np.ndarray:
        """The rows in another order."""
        return self.generator.permutation(to_numpy(value), axis=0)

    def categorical(self, logits: TensorLike, count: int, dtype: DTypeLike) -> np.ndarray:
        """Class numbers for each row of logits."""
        logits = to_numpy(logits)
        noise = self.generator.gumbel(size=(logits.shape[0], count, logits.shape[1]))
        return np.argmax(logits[:, None] + noise, axis=-1).astype(numpy_dtype(dtype))

    def gamma(self, shape: Any, alpha: Any, beta: Any, dtype: DTypeLike) -> np.ndarray:
        """Of the gamma distribution; its parameters' shape stands behind `shape`."""
        alpha, beta = np.broadcast_arrays(to_numpy(alpha), 1.0 if beta is None else to_numpy(beta))
        values = self.generator.gamma(alpha, 1 / beta, (*shape, *alpha.shape))
        return values.astype(numpy_dtype(dtype))

    def poisson(self, shape: Any, lam: Any, dtype: DTypeLike) -> np.ndarray:
        """Of the Poisson distribution; its parameter's shape stands behind `shape`."""
        rate = to_numpy(lam)
        return self.generator.poisson(rate, (*shape, *rate.shape)).astype(numpy_dtype(dtype))


def _shape(shape: Any) -> tuple[int, ...]:
    static = shape_tuple(shape)
    if -1 in static:
        raise UserInputError(
            f"tf.random: the shape {tuple(shape)} has a dimension that varies with the batch. Draw "
            "in a layer's `call` or in a `Lambda`, where it is known."
        )
    return static


def normal(
    shape: ShapeLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of the normal distribution."""
    shape = _shape(shape)
    if is_in_program() or is_on_device((mean, stddev)):
        return keras_random.normal(shape, mean, stddev, as_dtype(dtype), _seed_in_program(seed))
    return host_array(Draws(host_generator()).normal(shape, mean, stddev, dtype))


def truncated_normal(
    shape: ShapeLike,
    mean: TensorLike = 0.0,
    stddev: TensorLike = 1.0,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of the normal distribution within two `stddev` of `mean`."""
    shape = _shape(shape)
    if is_in_program() or is_on_device((mean, stddev)):
        return keras_random.truncated_normal(
            shape, mean, stddev, as_dtype(dtype), _seed_in_program(seed)
        )
    return host_array(Draws(host_generator()).truncated_normal(shape, mean, stddev, dtype))


def uniform(
    shape: ShapeLike,
    minval: TensorLike = 0,
    maxval: TensorLike | None = None,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers in [minval, maxval); of integers `maxval` is needed."""
    shape = _shape(shape)
    if not (is_in_program() or is_on_device((minval, maxval))):
        return host_array(Draws(host_generator()).uniform(shape, minval, maxval, dtype))
    seed = _seed_in_program(seed)
    if as_dtype(dtype).is_integer:
        if maxval is None:
            raise UserInputError("tf.random.uniform: integers need `maxval`.")
        narrow = as_dtype(dtype).replace("64", "32")
        return keras_random.randint(shape, minval, maxval, narrow, seed)
    maxval = 1 if maxval is None else maxval
    return keras_random.uniform(shape, minval, maxval, as_dtype(dtype), seed)


def shuffle(value: TensorLike, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows in another order."""
    if is_in_program() or is_on_device((value,)):
        return _take_shuffled(value, _seed_in_program(seed))
    return host_array(Draws(host_generator()).shuffle(value))


@tensors(1)
def _take_shuffled(xp: ModuleType, value: Tensor, seed: Any) -> Tensor:
    order = keras_random.shuffle(jnp.arange(value.shape[0]), seed=seed)
    return jnp.take(jnp.asarray(value), order, axis=0)


def categorical(
    logits: TensorLike,
    num_samples: int,
    dtype: DTypeLike = "int64",
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Class numbers, drawn for each row of logits."""
    if is_in_program() or is_on_device((logits,)):
        narrow = as_dtype(dtype).replace("64", "32")
        return keras_random.categorical(logits, int(num_samples), narrow, _seed_in_program(seed))
    return host_array(Draws(host_generator()).categorical(logits, int(num_samples), dtype))


def gamma(
    shape: ShapeLike,
    alpha: TensorLike,
    beta: TensorLike | None = None,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of the gamma distribution; the parameters' shape stands behind `shape`."""
    shape = _shape(shape)
    if is_in_program() or is_on_device((alpha, beta)):
        behind = jnp.shape(jnp.asarray(alpha))
        values = keras_random.gamma(
            (*shape, *behind), alpha, as_dtype(dtype), _seed_in_program(seed)
        )
        return values if beta is None else values / beta
    return host_array(Draws(host_generator()).gamma(shape, alpha, beta, dtype))


def poisson(
    shape: ShapeLike,
    lam: ArrayLike,
    dtype: DTypeLike = "float32",
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers of the Poisson distribution; the parameter's shape stands behind `shape`."""
    rate = known(lam, "tf.random.poisson")
    return host_array(Draws(host_generator()).poisson(_shape(shape), rate, dtype))


# -- the same numbers for the same seed ------------------------------------------------------------


def _seeded(seed: Any) -> Draws:
    words = [int(w) & 0xFFFFFFFF for w in np.ravel(known(seed, "tf.random.stateless_*"))]
    return Draws(np.random.default_rng([*words, 0x51]))


def stateless_normal(
    shape: ShapeLike,
    seed: ArrayLike,
    mean: ArrayLike = 0.0,
    stddev: ArrayLike = 1.0,
    dtype: DTypeLike = "float32",
    name: str | None = None,
    alg: str = "auto_select",
) -> Tensor:
    """`normal`: for two integers always the same numbers."""
    return host_array(_seeded(seed).normal(_shape(shape), mean, stddev, dtype))


def stateless_truncated_normal(
    shape: ShapeLike,
    seed: ArrayLike,
    mean: ArrayLike = 0.0,
    stddev: ArrayLike = 1.0,
    dtype: DTypeLike = "float32",
    name: str | None = None,
    alg: str = "auto_select",
) -> Tensor:
    """`truncated_normal`: for two integers always the same numbers."""
    return host_array(_seeded(seed).truncated_normal(_shape(shape), mean, stddev, dtype))


def stateless_uniform(
    shape: ShapeLike,
    seed: ArrayLike,
    minval: ArrayLike = 0,
    maxval: ArrayLike | None = None,
    dtype: DTypeLike = "float32",
    name: str | None = None,
    alg: str = "auto_select",
) -> Tensor:
    """`uniform`: for two integers always the same numbers."""
    return host_array(_seeded(seed).uniform(_shape(shape), minval, maxval, dtype))


def stateless_categorical(
    logits: ArrayLike,
    num_samples: int,
    seed: ArrayLike,
    dtype: DTypeLike = "int64",
    name: str | None = None,
) -> Tensor:
    """`categorical`: for two integers always the same numbers."""
    return host_array(_seeded(seed).categorical(logits, int(num_samples), dtype))


def stateless_shuffle(
    value: ArrayLike, seed: ArrayLike, alg: str = "auto_select", name: str | None = None
) -> Tensor:
    """`shuffle`: for two integers always the same order."""
    return host_array(_seeded(seed).shuffle(value))


class Generator:
    """`tf.random.Generator`: a row of random numbers with a state of its own.

    Args:
        state: what it begins with, as integers.
    """

    def __init__(self, state: Any = None, alg: Any = None, copy_from: Any = None) -> None:
        words = None if state is None else [int(w) & 0xFFFFFFFF for w in np.ravel(state)]
        self._draws = Draws(np.random.default_rng(words))

    @classmethod
    def from_seed(cls, seed: int, alg: Any = None) -> Generator:
        """Of a seed."""
        return cls([seed])

    def reset_from_seed(self, seed: int) -> None:
        """Begins anew, as one of the seed does."""
        self._draws = Generator.from_seed(seed)._draws

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = None) -> Generator:
        """Of the operating system's randomness."""
        return cls()

    def normal(
        self,
        shape: ShapeLike,
        mean: ArrayLike = 0.0,
        stddev: ArrayLike = 1.0,
        dtype: DTypeLike = "float32",
        name: str | None = None,
    ) -> Tensor:
        """Numbers of the normal distribution."""
        return host_array(self._draws.normal(_shape(shape), mean, stddev, dtype))

    def truncated_normal(
        self,
        shape: ShapeLike,
        mean: ArrayLike = 0.0,
        stddev: ArrayLike = 1.0,
        dtype: DTypeLike = "float32",
        name: str | None = None,
    ) -> Tensor:
        """Numbers of the normal distribution within two `stddev`."""
        return host_array(self._draws.truncated_normal(_shape(shape), mean, stddev, dtype))

    def uniform(
        self,
        shape: ShapeLike,
        minval: ArrayLike = 0,
        maxval: ArrayLike | None = None,
        dtype: DTypeLike = "float32",
        name: str | None = None,
    ) -> Tensor:
        """Numbers in [minval, maxval)."""
        return host_array(self._draws.uniform(_shape(shape), minval, maxval, dtype))

    def make_seeds(self, count: int = 1) -> Tensor:
        """(2, count) integers for the functions `stateless_*`."""
        return host_array(self._draws.generator.integers(0, 2**31, (2, count)))

    def split(self, count: int = 1) -> list[Generator]:
        """Further generators."""
        return [Generator(self.make_seeds()) for _ in range(count)]


def get_global_generator() -> Generator:
    """The generator of `tf.random`'s own numbers."""
    generator = Generator(0)
    generator._draws = Draws(host_generator())
    return generator


def random_crop(
    value: TensorLike, size: ShapeLike, seed: int | None = None, name: str | None = None
) -> Tensor:
    """A box of this size somewhere in the tensor."""
    return _crop_at_random(value, size, lambda limit: uniform((), 0, limit, "int32", seed))


def stateless_random_crop(
    value: ArrayLike, size: ShapeLike, seed: ArrayLike, name: str | None = None
) -> Tensor:
    """`random_crop`: for two integers always at the same place."""
    draws = _seeded(seed)
    return _crop_at_random(value, size, lambda limit: draws.uniform((), 0, limit, "int32"))


def _crop_at_random(value: TensorLike, size: ShapeLike, draw: Any) -> Tensor:
    value = creation.convert_to_tensor(value)
    sizes = shape_tuple(size)
    if any(s > d for s, d in zip(sizes, value.shape)):
        raise UserInputError(
            f"random_crop: size={sizes} is larger than the tensor's {tuple(value.shape)}."
        )
    begins = [draw(d - s + 1) for s, d in zip(sizes, value.shape)]
    return _box(value, begins, sizes)


@tensors(1)
def _box(xp: ModuleType, value: Tensor, begins: list[Any], sizes: tuple[int, ...]) -> Tensor:
    if xp is jnp:
        import jax

        return jax.lax.dynamic_slice(value, begins, sizes)
    return value[tuple(slice(int(b), int(b) + s) for b, s in zip(begins, sizes))]


EXPERIMENTAL = {
    "Generator": Generator,
    "get_global_generator": get_global_generator,
    "stateless_shuffle": stateless_shuffle,
}
NAMES: dict[str, Any] = {
    "Generator": Generator,
    "categorical": categorical,
    "gamma": gamma,
    "get_global_generator": get_global_generator,
    "normal": normal,
    "poisson": poisson,
    "set_seed": set_seed,
    "shuffle": shuffle,
    "stateless_categorical": stateless_categorical,
    "stateless_normal": stateless_normal,
    "stateless_truncated_normal": stateless_truncated_normal,
    "stateless_uniform": stateless_uniform,
    "truncated_normal": truncated_normal,
    "uniform": uniform,
}
