"""Bidirectional: a recurrent layer forwards and another one backwards in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import jax.numpy as jnp

from fkeras.core.config import scopes, serialization
from fkeras.core.nested import flatten
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.layers.base import signature
from fkeras.layers.base.layer import Layer
from fkeras.types import ArrayLike, Config, Nested, Shape, Tensor

_MERGES: dict[str | None, Callable[[Tensor, Tensor], Nested[Tensor]]] = {
    "concat": lambda forward, backward: jnp.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "mul": lambda forward, backward: forward * backward,
    None: lambda forward, backward: (forward, backward),
}


class Bidirectional(Layer):
    """Runs a recurrent layer over a sequence in both directions and merges what comes out.

    The given layers are models to copy: what runs are fresh layers with their configs,
    `forward_layer` and `backward_layer`. With `return_sequences`, outputs at masked steps are 0.

    Args:
        layer: `RNN`, `LSTM`, `GRU` or another layer with `go_backwards`, `return_sequences`,
            `return_state` and `stateful`.
        merge_mode: `'concat'` (last axis), `'sum'`, `'ave'`, `'mul'`, or None for both outputs.
        weights: list of first values, those of the forward layer first; None to draw them.
        backward_layer: the layer for the other direction, with the other `go_backwards`; None for a
            copy of `layer`.

    Shape:
        As the layer's, with a last axis twice as long for `'concat'`. With `return_state`, the
        states of the forward layer, then those of the backward layer, follow the output.

    Call arguments:
        Those of the layer; the first half of `initial_state` is for the forward layer.

    Raises:
        UserInputError: layers that do not go in opposite directions or do not return alike, an
            unknown merge mode.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> layer = fkeras.layers.Bidirectional(fkeras.layers.LSTM(4, return_sequences=True))
        >>> layer(jnp.ones((2, 7, 3))).shape
        (2, 7, 8)
    """

    def __init__(
        self,
        layer: Layer,
        merge_mode: Literal["concat", "sum", "ave", "mul"] | None = "concat",
        weights: Sequence[ArrayLike] | None = None,
        backward_layer: Layer | None = None,
        **kwargs,
    ):
        _check_layer("layer", layer)
        if backward_layer is not None:
            _check_layer("backward_layer", backward_layer)
        if merge_mode not in _MERGES:
            raise UserInputError(
                f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of "
                '{"sum", "mul", "ave", "concat", None}'
            )
        super().__init__(**kwargs)
        # A copy: the layer that was given may be used elsewhere, too.
        self.forward_layer = _copy(layer, "forward_")
        if backward_layer is None:
            backward_layer = _copy(layer, "backward_", go_backwards=True)
        self.backward_layer = backward_layer
        if hasattr(layer, "use_cudnn"):  # not in the config, so not in the copies
            self.forward_layer.use_cudnn = self.backward_layer.use_cudnn = layer.use_cudnn
        _check_pair(self.forward_layer, self.backward_layer)
        # Where one direction is masked, the merged output would be half of a repeated output.
        for direction in self._directions:
            if getattr(direction, "zero_output_for_mask", None) is not None:
                direction.zero_output_for_mask = direction.return_sequences
        self.merge_mode = merge_mode
        if weights:
            half = len(weights) // 2
            self.forward_layer._info.initial_weights = weights[:half]
            self.backward_layer._info.initial_weights = weights[half:]
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        # Attributes of a recurrent layer, so that both directions may stand in for one.
        self.input_spec = layer.input_spec
        self.supports_masking = True

    @property
    def _directions(self) -> tuple[Layer, Layer]:
        return self.forward_layer, self.backward_layer

    def build(
        self, sequences_shape: Shape, initial_state_shape: Nested[Shape] | None = None
    ) -> None:
        for layer in self._directions:
            if not layer.built:
                layer.build(sequences_shape)

    def call(
        self,
        sequences: Tensor,
        initial_state: Sequence[Tensor] | None = None,
        mask: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor | tuple[Nested[Tensor], ...]:
        parameters = signature.of(self.forward_layer).parameters
        arguments = {"training": training, "mask": mask}
        arguments = {
            name: value
            for name, value in arguments.items()
            if name in parameters and value is not None
        }
        states = {}, {}
        if initial_state is not None:
            half = len(initial_state) // 2
            states = (
                {"initial_state": initial_state[:half]},
                {"initial_state": initial_state[half:]},
            )
        forward, backward = (
            layer(sequences, **layer_states, **arguments)
            for layer, layer_states in zip(self._directions, states)
        )
        last_states = ()
        if self.return_state:
            forward, *forward_states = forward
            backward, *backward_states = backward
            last_states = (*forward_states, *backward_states)
        forward = forward.astype(self.compute_dtype)
        backward = backward.astype(self.compute_dtype)
        if self.return_sequences:  # it came in the order of computation
            backward = jnp.flip(backward, axis=1)
        output = _MERGES[self.merge_mode](forward, backward)
        if self.return_state:
            return (*output, *last_states) if self.merge_mode is None else (output, *last_states)
        return output

    @property
    def states(self) -> tuple[Variable, ...] | None:
        """The states of both layers, or None where they are not stateful."""
        states = [layer.states for layer in self._directions]
        return None if None in states else (*states[0], *states[1])

    def reset_state(self) -> None:
        """Sets the states of `stateful` layers to 0."""
        if not self.stateful:
            raise AttributeError(
                f"Bidirectional '{self.name}' has no states to reset: its layers are not "
                "`stateful`."
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """The same as `reset_state`, under an older name."""
        self.reset_state()

    def compute_output_shape(
        self, sequences_shape: Shape, initial_state_shape: Nested[Shape] | None = None
    ) -> Nested[Shape]:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states = ()
        if self.return_state:
            shape, *states = shape
        # Only the outputs are merged; states stay apart.
        if self.merge_mode == "concat":
            shape = (*shape[:-1], None if shape[-1] is None else 2 * shape[-1])
        shapes = (tuple(shape),) * 2 if self.merge_mode is None else (tuple(shape),)
        if self.return_state:
            return (*shapes, *states, *states)
        return shapes if self.merge_mode is None else shapes[0]

    def compute_mask(
        self, inputs: Nested[Tensor], mask: Nested[Tensor | None]
    ) -> Nested[Tensor | None]:
        mask = next(iter(flatten(mask)), None) if self.return_sequences else None
        if mask is not None and self.forward_layer.go_backwards:  # outputs are in its order
            mask = jnp.flip(mask, axis=1)
        masks = (mask, mask) if self.merge_mode is None else (mask,)
        if self.return_state:
            return (*masks, *[None] * (2 * len(getattr(self.forward_layer, "state_size", ()))))
        return masks if self.merge_mode is None else mask

    def get_config(self) -> Config:
        config = super().get_config()
        config.pop("weights", None)
        return {
            **config,
            "layer": serialization.serialize_keras_object(self.forward_layer),
            "backward_layer": serialization.serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, Any] | None = None
    ) -> Bidirectional:
        with scopes.custom_object_scope(custom_objects):
            return super().from_config(config)


def _check_layer(name: str, value: Any) -> None:
    if not isinstance(value, Layer):
        raise UserInputError(f"Bidirectional: `{name}` must be a layer. Received: {name}={value!r}")


def _copy(layer: Layer, prefix: str, **changes: Any) -> Layer:
    """A fresh layer with the settings of `layer`, `changes`, and a name with `prefix`."""
    config = serialization.serialize_keras_object(layer)
    config["config"].update(changes, name=f"{prefix}{layer.name.removeprefix(prefix)}")
    return serialization.deserialize_keras_object(
        config, custom_objects={type(layer).__name__: type(layer)}
    )


def _check_pair(forward: Layer, backward: Layer) -> None:
    """Raises where two layers do not go in opposite directions or do not return alike."""
    if forward.go_backwards == backward.go_backwards:
        raise UserInputError(
            "Forward layer and backward layer should have different `go_backwards` value. "
            f"Received: forward_layer.go_backwards={forward.go_backwards}, "
            f"backward_layer.go_backwards={backward.go_backwards}"
        )
    for name in ("stateful", "return_sequences", "return_state"):
        values = getattr(forward, name), getattr(backward, name)
        if values[0] != values[1]:
            raise UserInputError(
                "Forward layer and backward layer are expected to have the same value for "
                f'attribute "{name}", got "{values[0]}" for forward layer and "{values[1]}" for '
                "backward layer"
            )
