"""`tf.GradientTape`: gradients of what a block of code computed, as `jax.vjp` of its operations."""

from __future__ import annotations

import contextlib
import enum
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from fkeras import tree
from fkeras.compat.tensorflow import watched
from fkeras.core.recording import Recording
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.data.pipeline.host_array import HostArray
from fkeras.errors import UserInputError, UserTypeError
from fkeras.types import Nested, TensorLike


class UnconnectedGradients(enum.Enum):
    """What `gradient` gives for a source that does not reach the target: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class GradientTape:
    """Records the operations in its `with` block, and differentiates them afterwards.

    The block runs as it always does, with plain values: it may print, branch on numbers, draw
    random numbers and update batch statistics; `gradient` does none of this again. Every operation
    of JAX on this thread counts, whoever calls it: layers, losses, `tf.*`, `keras.ops`,
    `jax.numpy`. What leaves for NumPy (`x.numpy()`) is a constant. Outside of compiled steps the
    operations run one by one, which is slower than `fit`; inside of `train_step` under `fit` all is
    compiled.

    Args:
        persistent: whether `gradient` may be called more than once; the record is then kept as long
            as the tape is.
        watch_accessed_variables: whether trainable Variables count without `watch`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from fkeras.compat.tensorflow.gradient_tape import GradientTape
        >>> x = jnp.asarray(3.0)
        >>> with GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watches_all = watch_accessed_variables
        self._recording = Recording()
        self._open: list[contextlib.AbstractContextManager[None]] = []
        self._watched: dict[int, Any] = {}  # Variables and arrays, by identity
        self._overwritten: dict[int, tuple[Any, list[Any]]] = {}  # Variable, its former values
        self._is_spent = False
        self._listen()

    def _listen(self) -> None:
        """Hears of Variables that are written as long as the tape is there."""
        tape = weakref.ref(self)

        def tell(variable: Any, old: Any, new: Any) -> Any:
            listening = tape()
            return new if listening is None else listening._note_written(variable, old, new)

        lending.before_write.append(tell)
        weakref.finalize(self, lending.before_write.remove, tell)

    def _note_written(self, variable: Any, old: Any, new: Any) -> Any:
        if self._recording.has_used(old):
            _, values = self._overwritten.setdefault(id(variable), (variable, []))
            if all(old is not other for other in values):
                values.append(old)
        # No gradient leads through `assign`: what is read afterwards is the Variable's.
        return self._recording.detached(new)

    def __enter__(self) -> Self:
        if self._open:
            raise UserInputError("GradientTape is recording already. Make another one.")
        if not self._persistent:
            self.reset()
        self._recording.is_on = True
        opened = self._recording.opened()
        opened.__enter__()
        self._open.append(opened)
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.pop().__exit__(*error)

    def watch(self, tensor: Nested[TensorLike]) -> None:
        """From now on counts tensors, also those that are no Variables, as sources.

        Raises:
            UserTypeError: it is no tensor: NumPy arrays and numbers pass through `tf.constant`.
        """
        for x in tree.flatten(tensor):
            if isinstance(x, HostArray):
                x = watched.watch(x)
            elif not isinstance(x, (jax.Array, Variable)):
                raise UserTypeError(
                    f"GradientTape.watch: expected a tensor. Received: {x!r} of type {type(x)}. "
                    "Pass it through `tf.constant` first, and compute with the result."
                )
            self._watched[id(x)] = x

    @contextlib.contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Context manager: what runs inside is not recorded."""
        if not self._open:
            raise UserInputError("GradientTape.stop_recording: the tape is not recording.")
        self._recording.is_on = False
        try:
            yield
        finally:
            self._recording.is_on = True

    def reset(self) -> None:
        """Forgets all that was recorded and watched."""
        self._recording.clear()
        self._watched, self._overwritten = {}, {}
        self._is_spent = False

    def gradient(
        self,
        target: Nested[TensorLike],
        sources: Nested[TensorLike],
        output_gradients: Nested[TensorLike] | None = None,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradient of the sum of the target by each source.

        Args:
            target: a tensor, or several: what the block computed.
            sources: Variables and watched tensors, in any structure.
            output_gradients: what the target's elements are weighted with; None: 1.
            unconnected_gradients: `"none"` or `"zero"`: what a source that does not reach the
                target gets.

        Returns:
            Arrays in the structure of `sources`.

        Raises:
            UserInputError: a second call of a tape that is not persistent; a way through a value
                that the function of an inner loop closed over.
            UserTypeError: the target has left JAX: it is a number or an array of NumPy.
        """
        targets = [_target(x) for x in tree.flatten(target)]
        weights = [None] * len(targets)
        if output_gradients is not None:
            weights = tree.flatten(output_gradients)
            if len(weights) != len(targets):
                raise UserInputError(
                    f"GradientTape.gradient: expected one of `output_gradients` for each of "
                    f"{len(targets)} targets. Received: {len(weights)}"
                )
        weight_of: dict[int, Any] = {}
        for tensor, weight in zip(targets, weights):
            if tensor is not None:
                weight = _weight(weight, tensor)
                weight_of[id(tensor)] = weight_of.get(id(tensor), 0) + weight
        by_id = {id(tensor): tensor for tensor in targets if tensor is not None}
        return self._differentiate(
            sources,
            unconnected_gradients,
            (),
            lambda values: self._recording.gradient(
                list(by_id.values()), values, list(weight_of.values())
            ),
        )

    def jacobian(
        self,
        target: TensorLike,
        sources: Nested[TensorLike],
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivative of each element of one tensor by each source.

        Args:
            target: a tensor that the block computed.
            sources: as in `gradient`.
            unconnected_gradients: as in `gradient`.
            parallel_iterations, experimental_use_pfor: not used.

        Returns:
            Arrays of shape `(*target.shape, *source.shape)`.
        """
        tensor = _target(target)
        if tensor is None:
            raise UserTypeError(f"GradientTape.jacobian: expected floats. Received: {target!r}")
        size, shape = int(tensor.size), tuple(tensor.shape)
        weights = jnp.eye(size, dtype=tensor.dtype).reshape(size, *shape)

        def differentiate(values: list[list[Any]]) -> list[Any]:
            rows = self._recording.jacobian(tensor, values, weights)
            return [x if x is None else x.reshape(*shape, *x.shape[1:]) for x in rows]

        return self._differentiate(sources, unconnected_gradients, shape, differentiate)

    def batch_jacobian(
        self,
        target: TensorLike,
        source: TensorLike,
        unconnected_gradients: UnconnectedGradients | str = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivative of each row of a tensor by the row of the source that it comes from.

        Args:
            target: a tensor `(batch, ...)` that the block computed, row by row.
            source: a tensor `(batch, ...)`.
            unconnected_gradients: as in `gradient`.
            parallel_iterations, experimental_use_pfor: not used.

        Returns:
            An array of shape `(batch, *target.shape[1:], *source.shape[1:])`.
        """
        tensor = _target(target)
        shape, source_shape = tuple(np.shape(target)), tuple(np.shape(source))
        if tensor is None or not shape or shape[:1] != source_shape[:1]:
            raise UserInputError(
                "GradientTape.batch_jacobian: expected a target of floats with as many rows as the "
                f"source. Received: shapes {shape} and {source_shape}"
            )
        size = int(np.prod(shape[1:], dtype=np.int64))
        weights = jnp.eye(size, dtype=tensor.dtype).reshape(size, 1, *shape[1:])
        weights = jnp.broadcast_to(weights, (size, *shape))

        def differentiate(values: list[list[Any]]) -> list[Any]:
            (sums,) = self._recording.jacobian(tensor, values, weights)
            if sums is None:
                return [None]
            return [jnp.moveaxis(sums, 0, 1).reshape(*shape, *source_shape[1:])]

        return self._differentiate(source, unconnected_gradients, shape[1:], differentiate)

    def _differentiate(
        self,
        sources: Any,
        unconnected_gradients: UnconnectedGradients | str,
        shape: tuple[int, ...],
        differentiate: Callable[[list[list[Any]]], list[Any]],
    ) -> Any:
        """Derivatives in the structure of the sources, by a function of the values they had.

        Args:
            sources, unconnected_gradients: as in `gradient`.
            shape: axes in front of those of a source.
            differentiate: function (values of each source) -> derivatives, None for none.
        """
        unconnected = UnconnectedGradients(unconnected_gradients)
        if self._is_spent:
            raise UserInputError(
                "A non-persistent GradientTape can only be used to compute one set of gradients. "
                "Make it with `tf.GradientTape(persistent=True)`."
            )
        flat = tree.flatten(sources)
        values = [self._values_of(source) for source in flat]
        if not self._persistent:
            self._recording.is_on = False
        gradients = differentiate(values)
        if not self._persistent:
            self.reset()
            self._is_spent = True
        if unconnected is UnconnectedGradients.ZERO:
            arrays = map(_array, flat)
            gradients = [
                jnp.zeros((*shape, *x.shape), x.dtype) if g is None else g
                for g, x in zip(gradients, arrays)
            ]
        return tree.pack_sequence_as(sources, gradients)

    def _values_of(self, source: Any) -> list[Any]:
        """The values that a source had in the block; none where it is not watched."""
        if isinstance(source, Variable):
            if id(source) not in self._watched and not (self._watches_all and source.trainable):
                return []
            _, former = self._overwritten.get(id(source), (source, []))
            now = lending.value_now(source)
            return [*(value for value in former if value is not now), now]
        if isinstance(source, KerasTensor) or not isinstance(source, (jax.Array, HostArray)):
            raise UserTypeError(
                "GradientTape.gradient: expected Variables and tensors as sources. Received: "
                f"{source!r} of type {type(source)}"
            )
        value = _array(source)
        is_known = id(value) in self._watched or self._recording.has_made(value)
        return [value] if is_known else []


def _array(source: Any) -> Any:
    if isinstance(source, Variable):
        return lending.value_now(source)
    return source.__jax_array__() if isinstance(source, watched.WatchedArray) else source


def _target(target: Any) -> Any:
    """A target as the block made it; None for what has no gradient."""
    if not isinstance(target, (jax.Array, HostArray, Variable)) or isinstance(target, KerasTensor):
        hint = " `.numpy()` and `float()` give values that have left the tape."
        is_number = isinstance(target, (float, np.ndarray, np.generic))
        raise UserTypeError(
            "GradientTape.gradient: expected a tensor that was computed in the block as target. "
            f"Received: {target!r} of type {type(target)}.{hint if is_number else ''}"
        )
    value = _array(target)
    return value if jnp.issubdtype(value.dtype, jnp.inexact) else None


def _weight(weight: Any, target: Any) -> Any:
    if weight is None:
        return jnp.ones_like(target)
    return jnp.broadcast_to(jnp.asarray(weight, target.dtype), target.shape)


NAMES: dict[str, Any] = {
    "GradientTape": GradientTape,
    "UnconnectedGradients": UnconnectedGradients,
}
