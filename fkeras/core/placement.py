"""Where arrays lie: every transfer from the host to devices that fkeras itself makes.

Each kind of array has a function of its own, since they are laid out differently as soon as there
are several devices: weights by the layout of the model, batches along their rows, what the loop
itself needs on all of them. Which way counts is a `Distribution` (`fkeras.distribution`); without
one all go to JAX's default device (`fkeras.device`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec, Sharding

from fkeras.core import virtual_devices
from fkeras.core.scoped import Scoped
from fkeras.core.values.variable_info import info_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from flax import nnx

    from fkeras.types import PyTree, Shape


virtual_devices.give_threads()  # as soon as fkeras is loaded: JAX looks for devices once


class Distribution(Protocol):
    """What is asked of a distribution of models and data over devices."""

    @property
    def replicated(self) -> Sharding:
        """All of an array on each device."""

    def adopt(self, variables: Sequence[nnx.Variable], layer_paths: Sequence[str]) -> None:
        """Is told of the variables and layers of a model before the first compiled step.

        Raises:
            UserInputError: a rule fits none of them.
        """

    def variable_sharding(self, variable: nnx.Variable) -> Sharding:
        """Where the value of a Variable lies.

        Raises:
            UserInputError: the layout does not fit its shape.
        """

    def batch_sharding(self, shape: Shape) -> Sharding:
        """Where a batch of this shape is computed, inside a compiled step."""

    @property
    def num_model_replicas(self) -> int:
        """How many parts a batch is dealt out to."""

    @property
    def batch_axis(self) -> str:
        """The name of the mesh axis along which they lie."""

    @property
    def is_mapped(self) -> bool:
        """Whether each device runs the whole training step on its part."""

    def tensor_sharding(self, path: str) -> Sharding | None:
        """Where the outputs of the layer at a path lie; None for wherever the compiler wants."""


_process: dict[str, Distribution | None] = {"distribution": None}
_scope: Scoped[Distribution | None] = Scoped(None)


def current() -> Distribution | None:
    """The distribution that counts here: that of the innermost `using`, or the process's."""
    return _scope.value or _process["distribution"]


def set_current(distribution: Distribution | None) -> None:
    """Sets the process's distribution, for whatever is not inside a `using`."""
    _process["distribution"] = distribution


def using(distribution: Distribution | None) -> AbstractContextManager[Distribution | None]:
    """Context manager: inside, on this thread, this distribution counts; None for the process's."""
    return _scope.inside(distribution)


_mapped_axis: Scoped[str | None] = Scoped(None)


def mapped_over(axis: str) -> AbstractContextManager[str | None]:
    """Context manager: inside, in a trace, each device computes its own rows along this axis."""
    return _mapped_axis.inside(axis)


def mean_over_devices(tree: PyTree) -> PyTree:
    """The mean over the devices that each compute their own rows; elsewhere the values as they
    are.
    """
    axis = _mapped_axis.value
    return tree if axis is None else jax.lax.pmean(tree, axis)


def is_mapped() -> bool:
    """Whether each device computes its own rows here."""
    return _mapped_axis.value is not None


# -- weights -------------------------------------------------------------------


def sharding_of(variable: nnx.Variable, layout: Any) -> Sharding | None:
    """Where the value of a new Variable lies: as the distribution says, else by its own layout.

    Raises:
        UserInputError: the layout does not fit its shape.
    """
    distribution = current()
    if distribution is not None:
        return distribution.variable_sharding(variable)
    return behind_blocks(getattr(layout, "backend_layout", layout), len(info_of(variable).blocks))


def behind_blocks(sharding: Sharding, count: int) -> Sharding:
    """The sharding of a stack, from that of one block's share: axes that count blocks are whole on
    each device, since each runs all blocks.

    Args:
        sharding: of a share.
        count: number of axes that count blocks.
    """
    if not count or not isinstance(sharding, NamedSharding):
        return sharding
    return NamedSharding(sharding.mesh, PartitionSpec(*[None] * count, *sharding.spec))


# Of the weight that is being drawn on this thread: shape, and sharding or None for the host.
_destination: Scoped[tuple[Shape, Sharding | None] | None] = Scoped(None)


def bound_for(shape: Shape, sharding: Sharding | None) -> AbstractContextManager:
    """Context manager: a weight of this shape that is drawn inside goes from the host straight to
    where it lies, so that no device ever holds more of it than its part.

    Args:
        shape: of the weight.
        sharding: where it lies; None for JAX's default device.
    """
    return _destination.inside(None if sharding is None else (tuple(shape), sharding))


def kept_on_host(shape: Shape) -> AbstractContextManager:
    """Context manager: a weight of this shape that is drawn inside stays a NumPy array, since it is
    but a part of one that lies on devices.
    """
    return _destination.inside((tuple(shape), None))


def stays_on_host(shape: Shape) -> bool:
    """Whether `kept_on_host` is open for weights of this shape."""
    return _destination.value == (tuple(shape), None)


def destination(shape: Shape) -> Sharding | None:
    """Where a weight of this shape that is being drawn will lie; None where nobody said."""
    bound = _destination.value
    return bound[1] if bound is not None and bound[0] == tuple(shape) else None


def are_accelerators(sharding: Sharding) -> bool:
    """Whether the devices of a sharding have a memory of their own."""
    return all(device.platform != "cpu" for device in sharding.device_set)


def place_weight(value: np.ndarray) -> jax.Array | np.ndarray:
    """The JAX array of a weight's value; inside `kept_on_host` the value itself.

    Not `jnp.asarray`, which compiles a program for each shape.

    Args:
        value: an array that is not used elsewhere: the result may share its memory.
    """
    if stays_on_host(value.shape):
        return value
    sharding = destination(value.shape)
    return jax.device_put(value) if sharding is None else place(value, sharding)


def place_small(value: np.ndarray) -> jax.Array:
    """A value of a few numbers on JAX's default device. `jnp.asarray` would compile a program."""
    return jax.device_put(value)


def copied(value: jax.Array) -> jax.Array:
    """Another array of the same values where the first one lies, without compiling."""
    return jax.device_put(value, may_alias=False)


def place(value: Any, sharding: Sharding | None) -> Any:
    """A value where it belongs. None: where it is.

    Inside a trace, a wish that the compiler fulfils.
    """
    if sharding is None:
        return value
    if isinstance(value, jax.core.Tracer):
        return jax.lax.with_sharding_constraint(value, sharding)
    if isinstance(value, jax.Array) and value.sharding == sharding:
        return value
    if getattr(sharding, "is_fully_addressable", True):
        return jax.device_put(value, sharding)
    # Each process has the whole value and puts its own part: `device_put` would first ask all
    # others whether they have the same.
    if isinstance(value, jax.Array) and not value.is_fully_addressable:
        return jax.jit(lambda x: x, out_shardings=sharding)(value)
    on_host = np.asarray(value)
    return jax.make_array_from_callback(on_host.shape, sharding, lambda index: on_host[index])


def place_all(values: Sequence[Any], shardings: Sequence[Sharding]) -> list[Any]:
    """As `place`, for values side by side."""
    return [place(value, sharding) for value, sharding in zip(values, shardings, strict=True)]


def fetch(value: Any) -> np.ndarray:
    """A value on the host. One that lies on the devices of several processes is gathered: then all
    of them must ask.
    """
    if isinstance(value, jax.Array) and not (
        value.is_fully_addressable or value.is_fully_replicated
    ):
        replicated = NamedSharding(value.sharding.mesh, PartitionSpec())
        value = jax.jit(lambda x: x, out_shardings=replicated)(value)
    return np.asarray(value)


# -- data ----------------------------------------------------------------------


def place_rows(arrays: PyTree, distribution: Distribution | None = None) -> PyTree:
    """Whole arrays of data, one row a sample, that stay on the device: on each of several, so that
    no batch need be gathered.

    Args:
        arrays: nested arrays of equal length; None stays None.
        distribution: None for JAX's default device.
    """
    if distribution is None:
        return jax.device_put(arrays)
    return jax.tree.map(lambda x: place(x, distribution.replicated), arrays)


def place_order(order: np.ndarray, distribution: Distribution | None = None) -> jax.Array:
    """The order in which a pass visits its rows: all devices need all of it.

    Args:
        order: ints (rows,).
        distribution: None for JAX's default device.
    """
    order = np.asarray(order, np.int32)
    return jax.device_put(order) if distribution is None else place(order, distribution.replicated)


def place_batch(batch: PyTree, distribution: Distribution) -> PyTree:
    """A batch from the host, its rows dealt out to the devices.

    One that cannot be dealt out evenly goes to all of them: the step then cuts it
    (`constrain_batch`).
    """

    def put(x: Any) -> Any:
        if not np.ndim(x) or _is_spread(x):
            return x
        is_even = x.shape[0] % distribution.num_model_replicas == 0
        return place(
            x, distribution.batch_sharding(x.shape) if is_even else distribution.replicated
        )

    return jax.tree.map(put, batch)


def join_batches(batch: PyTree, distribution: Distribution) -> PyTree:
    """The batch of all processes, joined in their order, from this one's own rows.

    Args:
        batch: nested arrays; of as many rows on each process.
        distribution: its rows are dealt out over it.
    """

    def join(x: Any) -> jax.Array:
        x = np.asarray(x)
        shape = (x.shape[0] * jax.process_count(), *x.shape[1:])
        is_even = shape[0] % distribution.num_model_replicas == 0
        if is_even:
            sharding = distribution.batch_sharding(shape)
            return jax.make_array_from_process_local_data(sharding, x, shape)
        parts = gather_from_processes(x)  # (processes, rows, ...)
        return place(parts.reshape(shape), distribution.replicated)

    return jax.tree.map(join, batch)


def gather_from_processes(value: np.ndarray) -> np.ndarray:
    """What all processes pass, one below the other in their order. All of them must ask."""
    from jax.experimental import multihost_utils  # slow to import

    return np.asarray(multihost_utils.process_allgather(value))


def _is_spread(x: Any) -> bool:
    """Whether it lies on several processes already."""
    return isinstance(x, jax.Array) and not x.is_fully_addressable


def constrain_batch(batch: PyTree, distribution: Distribution) -> PyTree:
    """A batch inside a trace, computed where its rows lie, whatever their number."""
    return jax.tree.map(
        lambda x: place(x, distribution.batch_sharding(x.shape)) if np.ndim(x) else x, batch
    )


def has_explicit_axes(array: object) -> bool:
    """Whether an array lies on a mesh with explicit axes, however it is spread over it."""
    sharding = getattr(array, "sharding", None)
    is_named = isinstance(sharding, jax.sharding.NamedSharding)
    return is_named and jax.sharding.AxisType.Explicit in sharding.mesh.axis_types


def has_explicit_rows(array: object) -> bool:
    """Whether an array's rows are spread over a mesh with explicit axes, on which JAX asks how the
    result of each slice and gather is to lie.
    """
    sharding = getattr(array, "sharding", None)
    if not isinstance(sharding, jax.sharding.NamedSharding) or not len(sharding.spec):
        return False
    axes = sharding.spec[0]
    kinds = dict(zip(sharding.mesh.axis_names, sharding.mesh.axis_types))
    names = axes if isinstance(axes, tuple) else (axes,)
    return any(kinds.get(name) == jax.sharding.AxisType.Explicit for name in names)
