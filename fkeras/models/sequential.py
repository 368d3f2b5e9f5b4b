"""`Sequential`: a stack of layers."""

import copy

from flax import nnx

from fkeras.core.config import serialization
from fkeras.core.randomness import seeds
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.node import Node
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.base import building, input_conversion, nested, signature, tracking
from fkeras.layers.base import layer as base
from fkeras.layers.core.input_layer import InputLayer
from fkeras.layers.foreign.flax_layer import FlaxLayer
from fkeras.models.functional import Functional
from fkeras.models.model import Model


class Sequential(Model):
    """A stack: each layer is called on what the one before returned.

    Built at once where the shape of the input is known (`Input` first, or `input_shape=` on the
    first layer), else at the first call.

    Args:
        layers: list of layers (or `flax.nnx` modules); more with `add`.
        name: None for an automatic name.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((28, 28)), fkeras.layers.Flatten(), fkeras.layers.Dense(10)])
        >>> model.count_params()
        7850
    """

    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(trainable=trainable, name=name)
        self._info.convert_inputs = (
            False  # the input takes the dtype that its Input declares, or the first layer's
        )
        self.stack: list = []  # with the InputLayer, if any
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._maybe_rebuild()

    def add(self, layer, rebuild=True):
        """Puts a layer on top of the stack."""
        if not isinstance(layer, base.Layer):
            if (
                isinstance(layer, KerasTensor)
                and layer._keras_history is not None
                and getattr(layer._keras_history[0], "is_input", False)
            ):
                layer = layer._keras_history[0]
            elif isinstance(layer, nnx.Module):
                layer = FlaxLayer(layer)
            elif callable(layer) and not isinstance(layer, type):
                raise UserInputError(
                    "Only instances of `Layer` can be added to a Sequential model. Received: "
                    f"{layer!r} (of type {type(layer)}). Wrap a function: "
                    "`fkeras.layers.Lambda(fn)`."
                )
            else:
                raise UserInputError(
                    "Only instances of `keras.Layer` can be added to a Sequential model. "
                    f"Received: {layer!r} (of type {type(layer)})"
                )
        taken = next((member for member in self.stack if member.name == layer.name), None)
        if taken is not None:
            raise UserInputError(
                "All layers added to a Sequential model should have unique names. Name "
                f"'{layer.name}' is already the name of a layer in this model: {taken!r}. Update "
                "the `name` argument to pass a unique name."
            )
        if isinstance(layer, InputLayer) and self.stack:
            raise UserInputError(
                f"Sequential model '{self.name}' has already been configured: an `Input` can only "
                f"come first, not behind {[m.name for m in self.stack]}."
            )
        if not self.stack and not isinstance(layer, InputLayer):
            shape = layer._info.batch_input_shape
            if shape is not None:
                self.stack.append(InputLayer(batch_shape=shape, dtype=layer.input_dtype))
            elif isinstance(layer, Functional) and len(layer.inputs) == 1:
                self.stack.append(
                    InputLayer(batch_shape=layer.inputs[0].shape, dtype=layer.inputs[0].dtype)
                )
            elif (
                isinstance(layer, Sequential)
                and layer.stack
                and isinstance(layer.stack[0], InputLayer)
            ):
                self.stack.append(
                    InputLayer(batch_shape=layer.stack[0].batch_shape, dtype=layer.stack[0].dtype)
                )
        self.stack.append(layer)
        if rebuild:
            self._maybe_rebuild()
        else:
            self._info.built, self._box = False, None

    def pop(self, rebuild=True):
        """Takes the last layer off the stack and returns it."""
        if not self.stack:
            raise UserInputError(f"Sequential model '{self.name}' has no layer to pop.")
        layer = self.stack.pop()
        if rebuild:
            self._maybe_rebuild()
        return layer

    _box = None

    def _fed_layers(self):
        first = self.layers[0] if self.layers else None
        return (
            first._fed_layers()
            if isinstance(first, (Sequential, Functional))
            else [(first, 0)]
            if first is not None
            else []
        )

    def _maybe_rebuild(self):
        self._info.built, self._box = False, None
        if len(self.stack) > 1 and isinstance(self.stack[0], InputLayer):
            self.build()

    def build(self, input_shape=None):
        """Makes all weights from the shape of the input (batch axis first)."""
        if not self.stack:
            raise UserInputError(
                f"Sequential model {self.name} cannot be built because it has no layers. Call "
                "`model.add(layer)`."
            )
        if isinstance(self.stack[0], InputLayer):
            if (
                input_shape is not None
                and tuple(input_shape) != tuple(self.stack[0].batch_shape)
                and self._box is not None
            ):
                if _conflict(input_shape, self.stack[0].batch_shape):
                    raise UserInputError(
                        f"Sequential model '{self.name}' has already been configured to use input "
                        f"shape {self.stack[0].batch_shape}. You cannot build it with input_shape "
                        f"{tuple(input_shape)}"
                    )
        elif input_shape is None:
            raise UserInputError(
                f"Sequential model '{self.name}': `build` needs the input's shape, such as "
                "`model.build((None, 4))`."
            )
        elif not nested.is_shape(input_shape):
            return Model.build(self, input_shape)
        else:
            self.stack = [
                InputLayer(batch_shape=tuple(input_shape), dtype=self.stack[0].input_dtype),
                *self.stack,
            ]
        x = self.stack[0].output
        start = x
        for layer in self.stack[1:]:
            try:
                x = layer(x)
            except NotImplementedError:
                return None  # a layer that cannot tell its shape: built at the first call
        self._box = _Box(start, x)
        self._info.built = True
        building.place(self)
        return None

    def _needs_no_build(self):
        return False

    def _build_if_needed(self, given, outer, symbolic):
        inputs = given.get("inputs")
        shape = signature.shape_of(inputs)
        with building.open_name_scope(self):
            if (
                hasattr(inputs, "shape")
                and self.stack
                and not isinstance(self.stack[0], InputLayer)
            ):
                # A deferred Sequential: the batch stays free.
                first = InputLayer(batch_shape=(None, *shape[1:]), dtype=str(inputs.dtype))
                self.stack = [first, *self.stack]
                self._deferred = True
                Sequential.build(self)
            elif hasattr(inputs, "shape"):
                Sequential.build(self)
        self._info.built = True
        self._info.build_shapes = {
            "input_shape": (None, *shape[1:]) if hasattr(inputs, "shape") else shape
        }
        if outer is None and self._info.root_key is None:
            self._info.root_key = seeds.next_root_key()

    def _members(self):
        return tracking.member_names(self.stack)

    @property
    def layers(self):
        """The layers without the InputLayer."""
        stack = self.stack
        return stack[1:] if stack and isinstance(stack[0], InputLayer) else stack[:]

    @layers.setter
    def layers(self, value):
        raise AttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and "
            "`pop()`."
        )

    @property
    def _layers(self):
        return self.layers

    # -- calling ---------------------------------------------------------------

    def call(self, inputs, training=None, mask=None, **kwargs):
        if not self.layers:
            return inputs
        x = self._adjust(inputs)
        if mask is not None:
            masks.set_mask(x, mask)
        for layer in self.layers:
            x = layer(x, **{k: v for k, v in kwargs.items() if k in signature.of(layer).parameters})
        return x

    def _adjust(self, x):
        """The input as declared: dtype, and a missing or extra last axis of size 1."""
        if (
            self.stack
            and isinstance(self.stack[0], InputLayer)
            and hasattr(x, "shape")
            and not getattr(self, "_deferred", False)
        ):
            return Functional._adjust(self, x, self.stack[0].output)
        return (
            input_conversion.convert_inputs(
                self.layers[0].dtype_policy, self.layers[0].autocast, (x,), {}
            )[0][0]
            if self.layers[0]._info.convert_inputs
            else x
        )

    def compute_output_spec(self, inputs, training=None, mask=None, **kwargs):
        if (
            not self.built
            and isinstance(inputs, KerasTensor)
            and not isinstance(self.stack[0], InputLayer)
        ):
            Sequential.build(self, inputs.shape)
        x = inputs
        for layer in self.layers:
            x = layer.compute_output_spec(x)
        return x

    def compute_output_shape(self, input_shape):
        if nested.is_shape(input_shape):
            for layer in self.layers:
                input_shape = layer.compute_output_shape(input_shape)
            return input_shape
        return base.Layer.compute_output_shape(self, input_shape)

    # -- tensors ---------------------------------------------------------------

    def _symbols_or_error(self, what):
        if self._box is None or self._box.output is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {what} yet: it is not built. Start "
                "it with `fkeras.Input(...)`, or call it on data."
            )
        return self._box

    input = property(lambda self: self._symbols_or_error("input").input)
    output = property(lambda self: self._symbols_or_error("outputs").output)
    inputs = property(lambda self: [self._symbols_or_error("inputs").input])
    outputs = property(lambda self: [self._symbols_or_error("outputs").output])
    input_shape = property(lambda self: tuple(self._symbols_or_error("input shape").input.shape))
    output_shape = property(
        lambda self: signature.shape_of(self._symbols_or_error("output shape").output)
    )
    input_names = property(lambda self: [self.stack[0].name])

    @property
    def output_names(self):
        if not self.layers:
            raise AttributeError(
                f"Sequential model '{self.name}' has no layers and thus no output names."
            )
        return [self.layers[-1].name]

    @property
    def input_dtype(self):
        return self.layers[0].input_dtype if self.layers else self.compute_dtype

    # -- config ----------------------------------------------------------------

    def get_config(self):
        layers = [serialization.serialize_keras_object(layer) for layer in self.stack]
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": base.dtype_policy.serialize(self._info.dtype_policy),
            "layers": layers,
        }
        if self.stack and isinstance(self.stack[0], InputLayer):
            config["build_input_shape"] = self.stack[0].batch_shape
        return copy.deepcopy(config)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if "layers" not in config:
            return cls(**config)
        model = cls(name=config.get("name"))
        for entry in config["layers"]:
            model.add(
                serialization.deserialize_keras_object(entry, custom_objects=custom_objects),
                rebuild=False,
            )
        shape = config.get("build_input_shape")
        model._maybe_rebuild()
        if not model.built and shape and model.stack and nested.is_shape(shape):
            model.build(tuple(shape))
        if not config.get("trainable", True):
            model.trainable = False
        return model

    def __setstate__(self, state):
        vars(self).update(state)
        if self.built and self.stack and isinstance(self.stack[0], InputLayer):
            first = self.stack[0]
            tensor = KerasTensor(first.batch_shape, dtype=first.dtype, name=first.name)
            Node(first, (), {}, tensor)
            x = tensor
            for layer in self.stack[1:]:
                x = layer(x)
            self._box = _Box(tensor, x)


class _Box:
    """The KerasTensors of a built stack; they do not travel in copies."""

    def __init__(self, input, output):
        self.input, self.output = input, output

    def __getstate__(self):
        return {"input": None, "output": None}


def _conflict(a, b):
    return len(a) != len(b) or any(m is not None and n is not None and m != n for m, n in zip(a, b))
