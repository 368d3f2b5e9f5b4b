"""Bidirectional: a recurrent layer forwards and backwards in time."""

import jax.numpy as jnp

from fkeras.core import registry
from fkeras.core.symbolic import KerasTensor
from fkeras.errors import UserInputError
from fkeras.layers.base.layer import Layer

_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Layer):
    """Runs a recurrent layer over time in both directions and joins the outputs.

    Args:
        layer: a recurrent layer, not called yet. It becomes the forward one.
        merge_mode: 'concat', 'sum', 'mul', 'ave', or None for a list of both outputs.
        weights: list to start from. backward_layer: the layer for the other direction; None for a copy of `layer`.

    Examples:
        >>> import fkeras, numpy as np
        >>> fkeras.layers.Bidirectional(fkeras.layers.LSTM(4))(np.ones((2, 5, 3), "float32")).shape
        (2, 8)
    """

    def __init__(self, layer, merge_mode="concat", weights=None, backward_layer=None, **kwargs):
        if not isinstance(layer, Layer):
            raise UserInputError(f"Please initialize `Bidirectional` layer with a `keras.layers.Layer` instance. Received: {layer}")
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise UserInputError(f"`backward_layer` need to be a `keras.layers.Layer` instance. Received: {backward_layer}")
        if merge_mode not in _MODES:
            raise UserInputError(f"Invalid merge mode. Received: {merge_mode}. Merge mode should be one of {_MODES}")
        kwargs.setdefault("dtype", layer.dtype_policy)
        super().__init__(weights=weights, **kwargs)
        config = registry.serialize_keras_object(layer)
        self.forward_layer = _copy(config, layer.name, "forward_", None)
        if backward_layer is None:
            self.backward_layer = _copy(config, layer.name, "backward_", not layer.go_backwards)
        else:
            self.backward_layer = backward_layer
            if backward_layer.go_backwards == layer.go_backwards:
                raise UserInputError("Forward layer and backward layer should have different `go_backwards` value. Received: "
                                     f"forward_layer.go_backwards={layer.go_backwards}, backward_layer.go_backwards={backward_layer.go_backwards}")
        for part in (self.forward_layer, self.backward_layer):
            part.zero_output_for_mask = True  # the two directions' fill-ins would not agree
        self.given_backward = backward_layer is not None
        self.merge_mode = merge_mode
        self.return_sequences, self.return_state, self.stateful = layer.return_sequences, layer.return_state, layer.stateful
        self.supports_masking = True

    @property
    def layer(self):
        return self.forward_layer

    def build(self, sequences_shape, initial_state_shape=None):
        for part in (self.forward_layer, self.backward_layer):
            if not part.built:
                part.build(sequences_shape)

    def call(self, sequences, initial_state=None, mask=None, training=None):
        states = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [list(initial_state[:half]), list(initial_state[half:])]
        results = [part(sequences, initial_state=s, mask=mask, training=training)
                   for part, s in zip((self.forward_layer, self.backward_layer), states)]
        last = []
        if self.return_state:
            last = [*results[0][1:], *results[1][1:]]
            results = [results[0][0], results[1][0]]
        forward, backward = results
        if self.return_sequences:
            backward = jnp.flip(backward, axis=1)
        outputs = self._merge(forward, backward)
        if not self.return_state:
            return outputs
        return [*(outputs if self.merge_mode is None else [outputs]), *last]

    def _merge(self, forward, backward):
        mode = self.merge_mode
        if mode == "concat":
            return jnp.concatenate([forward, backward], axis=-1)
        if mode is None:
            return [forward, backward]
        return forward * backward if mode == "mul" else (forward + backward) * (0.5 if mode == "ave" else 1)

    def compute_mask(self, sequences, mask=None):
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        output = mask if self.return_sequences else None
        output = [output, output] if self.merge_mode is None else output
        if not self.return_state:
            return output
        return [*(output if isinstance(output, list) else [output]), *([None] * 4)]

    def compute_output_shape(self, sequences_shape, initial_state_shape=None):
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states = []
        if self.return_state:
            shape, *states = shape
        if self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        output = [shape, shape] if self.merge_mode is None else shape
        if not self.return_state:
            return output
        return [*(output if self.merge_mode is None else [output]), *states, *states]

    def compute_output_spec(self, sequences, initial_state=None, mask=None, training=None):
        shapes = self.compute_output_shape(tuple(sequences.shape))
        make = lambda shape: KerasTensor(shape, dtype=self.compute_dtype)  # noqa: E731
        return [make(s) for s in shapes] if isinstance(shapes, list) else make(shapes)

    def reset_state(self):
        """Sets held states to zero."""
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def get_config(self):
        config = Layer.get_config(self)
        for name in ("layer", "backward_layer"):
            config.pop(name, None)
        config["layer"] = _named(registry.serialize_keras_object(self.forward_layer), "forward_")
        if self.given_backward:
            config["backward_layer"] = registry.serialize_keras_object(self.backward_layer)
        return config


def _copy(config, name, prefix, go_backwards):
    inner = {**config["config"], "name": prefix + name}
    if go_backwards is not None:
        inner["go_backwards"] = go_backwards
    return registry.deserialize_keras_object({**config, "config": inner, "build_config": None})


def _named(config, prefix):
    inner = dict(config["config"])
    inner["name"] = inner["name"].removeprefix(prefix)
    return {k: v for k, v in {**config, "config": inner}.items() if k != "build_config"}
