"""`Sequential`: a stack of layers."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flax import nnx

from fkeras.core.config import serialization
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.randomness import process_generator
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.node import Node
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.base import (
    building,
    host_part,
    host_values,
    input_conversion,
    nested,
    running_blocks,
    signature,
    tracking,
)
from fkeras.layers.base import layer as base
from fkeras.layers.core.input_layer import InputLayer
from fkeras.layers.foreign.flax_layer import FlaxLayer
from fkeras.models.functional import Functional
from fkeras.models.input_structure import (
    adjust_input,
    are_compatible,
    flatten_like,
    with_declared_rank,
)
from fkeras.models.model import Model

if TYPE_CHECKING:
    from fkeras.types import Config, Nested, Shape, Tensor


class Sequential(Model):
    """A stack: each layer is called on what the one before returned.

    Built at once where the shape of the input is known (`Input` first, or `input_shape=` on the
    first layer), else at the first call.

    Args:
        layers: list of layers (or `flax.nnx` modules); more with `add`.
        trainable: whether training changes the weights.
        name: None for an automatic name.

    Examples:
        >>> import fkeras
        >>> image = fkeras.Input((28, 28))
        >>> model = fkeras.Sequential([image, fkeras.layers.Flatten(), fkeras.layers.Dense(10)])
        >>> model.count_params()
        7850
    """

    _symbols: _Symbols | None = None
    _is_deferred = False  # whether the InputLayer was made from the first batch

    def __init__(
        self,
        layers: Sequence[base.Layer | nnx.Module | KerasTensor] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        # The input takes the dtype that its Input declares, or the first layer's.
        self._info.convert_inputs = False
        self.stack: list[base.Layer] = []  # with the InputLayer, if any
        for layer in layers or ():
            self.add(layer, rebuild=False)
        self._maybe_rebuild()

    def add(self, layer: base.Layer | nnx.Module | KerasTensor, rebuild: bool = True) -> None:
        """Puts a layer on top of the stack.

        Args:
            layer: a layer, an `Input`, or a `flax.nnx` module.
            rebuild: whether the model is built at once, where the shape of its input is known.

        Raises:
            UserInputError: for what is no layer, for a name that is taken, and for an `Input` that
                does not come first.
        """
        layer = _as_layer(layer)
        self._check_can_add(layer)
        if not self.stack and not isinstance(layer, InputLayer):
            input_layer = _input_layer_of(layer)
            if input_layer is not None:
                self.stack.append(input_layer)
        self.stack.append(layer)
        if rebuild and self.built and self._symbols is not None:
            # The layers below are called no second time: each has the one output it had.
            self._build_stack([layer])
        elif rebuild:
            self._maybe_rebuild()
        else:
            self._forget_build()

    def _check_can_add(self, layer):
        namesake = next((member for member in self.stack if member.name == layer.name), None)
        if namesake is not None:
            raise UserInputError(
                "All layers added to a Sequential model should have unique names. Name "
                f"'{layer.name}' is already the name of a layer in this model: {namesake!r}. "
                "Update the `name` argument to pass a unique name."
            )
        if isinstance(layer, InputLayer) and self.stack:
            raise UserInputError(
                f"Sequential model '{self.name}' has already been configured: an `Input` can only "
                f"come first, not behind {[member.name for member in self.stack]}."
            )

    def pop(self, rebuild: bool = True) -> base.Layer:
        """Takes the last layer off the stack and returns it. `rebuild`: as in `add`."""
        if not self.stack:
            raise UserInputError(f"Sequential model '{self.name}' has no layer to pop.")
        layer = self.stack.pop()
        if rebuild and self.layers and self._symbols is not None and layer._inbound_nodes:
            self._symbols = _Symbols(self._symbols.input, layer._inbound_nodes[-1].inputs[0])
        elif rebuild:
            self._maybe_rebuild()
        return layer

    @property
    def _input_layer(self) -> InputLayer | None:
        """The InputLayer that the stack begins with, if it does."""
        first = self.stack[0] if self.stack else None
        return first if isinstance(first, InputLayer) else None

    def _members(self):
        return tracking.member_names(self.stack)

    def _fed_layers(self):
        if not self.layers:
            return []
        first = self.layers[0]
        return first._fed_layers() if isinstance(first, Model) else [(first, 0)]

    @property
    def layers(self) -> list[base.Layer]:
        """The layers without the InputLayer."""
        return self.stack[:] if self._input_layer is None else self.stack[1:]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and "
            "`pop()`."
        )

    @property
    def _layers(self):
        return self.layers

    # -- building --------------------------------------------------------------

    def _forget_build(self):
        self._info.built = False
        self._symbols = None

    def _maybe_rebuild(self):
        self._forget_build()
        if self._input_layer is not None and len(self.stack) > 1:
            self.build()

    def build(self, input_shape: Nested[Shape] | None = None) -> None:
        """Makes all weights from the shape of the input (batch axis first)."""
        if not self.stack:
            raise UserInputError(
                f"Sequential model {self.name} cannot be built because it has no layers. Call "
                "`model.add(layer)`."
            )
        if self._input_layer is not None:
            self._check_same_input(input_shape)
        elif input_shape is None:
            raise UserInputError(
                f"Sequential model '{self.name}': `build` needs the input's shape, such as "
                "`model.build((None, 4))`."
            )
        elif not nested.is_shape(input_shape):
            Model.build(self, input_shape)
            return
        else:
            dtype = self.stack[0].input_dtype
            self.stack.insert(0, InputLayer(batch_shape=tuple(input_shape), dtype=dtype))
        self._symbols = _Symbols(self._input_layer.output, self._input_layer.output)
        self._build_stack(self.stack[1:])

    def _check_same_input(self, input_shape):
        if input_shape is None or self._symbols is None:
            return
        declared = self._input_layer.batch_shape
        if not are_compatible(declared, tuple(input_shape)):
            raise UserInputError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{declared}. You cannot build it with input_shape {tuple(input_shape)}"
            )

    def _build_stack(self, layers):
        """Calls layers on the symbolic output of those before, which builds them."""
        symbols, x = self._symbols, self._symbols.output
        self._forget_build()
        for layer in layers:
            try:
                x = layer(x)
            except NotImplementedError:
                return  # a layer that cannot tell its shape: built at the first call
        self._symbols = _Symbols(symbols.input, x)
        self._info.built = True
        building.place(self)
        if host_part.has_host_layers(self):
            host_part.check(self, symbols.input)

    def _needs_no_build(self):
        return False

    def _build_if_needed(self, given, outer, symbolic):
        inputs = given.get("inputs")
        shape = signature.shape_of(inputs)
        if hasattr(inputs, "shape"):
            with building.open_name_scope(self):
                if self.stack and self._input_layer is None:
                    # A deferred Sequential: the batch stays free.
                    batch_shape, dtype = (None, *shape[1:]), standardize_dtype(inputs.dtype)
                    self.stack.insert(0, InputLayer(batch_shape=batch_shape, dtype=dtype))
                    self._is_deferred = True
                Sequential.build(self)
            shape = (None, *shape[1:])
        self._info.built = True
        self._info.build_shapes = {"input_shape": shape}
        if outer is None and self._info.root_key is None:
            self._info.root_key = process_generator.next_root_key()

    # -- calling ---------------------------------------------------------------

    def call(
        self,
        inputs: Nested[Tensor],
        training: bool | None = None,
        mask: Tensor | None = None,
        **kwargs: Any,
    ) -> Nested[Tensor]:
        """Calls the layers in turn; arguments of other names go to the layers that take them. One
        that none takes is an error.
        """
        if not self.layers:
            return inputs
        x = self._adjust(inputs)
        if mask is not None:
            masks.set_mask(x, mask)
        for layer in self.layers:
            x = layer(x, **{n: value for n, value in kwargs.items() if signature.takes(layer, n)})
        return x

    def _run_host_part(self, inputs, **kwargs):
        if type(self).call is not Sequential.call:
            return super()._run_host_part(inputs, **kwargs)
        declared, x = self._declared_inputs(), inputs
        if declared is not None and host_values.on_device(x) is None:
            x = flatten_like(declared, x, self.name)[0]
            x = None if x is None else with_declared_rank(x, declared, self.name)
        for layer in self.layers:
            x = host_part.run_one(layer, x)
        return x

    def _passes_on(self, name):
        return any(signature.takes(layer, name) for layer in self.layers)

    def _passed_on(self):
        parameters = (signature.of(layer).parameters for layer in self.layers)
        return [name for names in parameters for name in list(names)[1:]]

    def _adjust(self, x):
        """The input as its Input declares it; as the first layer wants it where there is none."""
        declared = self._declared_inputs()
        if isinstance(x, (dict, list, tuple)) and declared is not None:  # of one input, or an error
            x = flatten_like(declared, x, self.name)[0]
        if hasattr(x, "shape") and declared is not None:
            return adjust_input(x, declared, self.name)
        first = self.layers[0]
        if not first._info.convert_inputs:
            return x
        args, _ = input_conversion.convert_inputs(
            first.dtype_policy, first.compute_dtype, first.autocast, (x,), {}
        )
        return args[0]

    def _declared_inputs(self):
        return None if self._input_layer is None or self._is_deferred else self._input_layer.output

    def compute_output_spec(
        self,
        inputs: Nested[KerasTensor],
        training: bool | None = None,
        mask: KerasTensor | None = None,
        **kwargs: Any,
    ) -> Nested[KerasTensor]:
        if not self.built and self._input_layer is None and isinstance(inputs, KerasTensor):
            Sequential.build(self, inputs.shape)
        x = inputs
        for layer in self.layers:
            x = layer.compute_output_spec(x)
        return x

    def compute_output_shape(self, input_shape: Nested[Shape]) -> Nested[Shape]:
        if not nested.is_shape(input_shape):
            return base.Layer.compute_output_shape(self, input_shape)
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    # -- tensors ---------------------------------------------------------------

    def _symbols_or_error(self, attribute: str) -> _Symbols:
        if self._symbols is None or self._symbols.output is None:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {attribute} yet: it is not built. "
                "Start it with `fkeras.Input(...)`, or call it on data."
            )
        return self._symbols

    @property
    def input(self) -> KerasTensor:
        """The symbolic input of a built model."""
        return self._symbols_or_error("input").input

    @property
    def output(self) -> Nested[KerasTensor]:
        """The symbolic output of a built model."""
        return self._symbols_or_error("outputs").output

    @property
    def inputs(self) -> list[KerasTensor]:
        return [self._symbols_or_error("inputs").input]

    @property
    def outputs(self) -> list[Nested[KerasTensor]]:
        return [self._symbols_or_error("outputs").output]

    def _find_input_shape(self) -> Shape:
        return tuple(self._symbols_or_error("input shape").input.shape)

    def _find_output_shape(self) -> Nested[Shape]:
        return signature.shape_of(self._symbols_or_error("output shape").output)

    @property
    def input_names(self) -> list[str]:
        return [self.stack[0].name]

    @property
    def output_names(self) -> list[str]:
        if not self.layers:
            raise AttributeError(
                f"Sequential model '{self.name}' has no layers and thus no output names."
            )
        return [self.layers[-1].name]

    @property
    def input_dtype(self) -> str:
        return self.layers[0].input_dtype if self.layers else self.compute_dtype

    # -- config ----------------------------------------------------------------

    def get_config(self) -> Config:
        """The layers' configs, and the shape of the input where that is known."""
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": base.dtype_policy.serialize(self._info.dtype_policy),
            "layers": [serialization.serialize_keras_object(layer) for layer in self.stack],
        }
        if self._input_layer is not None:
            config["build_input_shape"] = self._input_layer.batch_shape
        return copy.deepcopy(config)

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, Any] | None = None
    ) -> Sequential:
        """The model that `get_config` described, with new weights."""
        if "layers" not in config:
            return cls(**config)
        if "name" not in config:
            raise UserInputError(
                "A Sequential model configuration must be a dictionary containing the 'name' and "
                f"'layers' keys. Received the keys {sorted(config)}."
            )
        model = cls(name=config["name"])
        for i, entry in enumerate(config["layers"]):
            if isinstance(entry, dict) and "config" not in entry:
                raise UserInputError(
                    f"Sequential '{model.name}', layer {i} of its config: Expected a dictionary "
                    f"containing a 'config' key. Received: {entry}"
                )
            layer = serialization.deserialize_keras_object(entry, custom_objects=custom_objects)
            model.add(layer, rebuild=False)
        model._maybe_rebuild()
        shape = config.get("build_input_shape")
        if not model.built and shape and model.stack and nested.is_shape(shape):
            model.build(tuple(shape))
        if not config.get("trainable", True):
            model.trainable = False
        return model

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        first = self._input_layer
        if self.built and first is not None:
            # The KerasTensors do not travel; the copy's layers are called on a new one.
            tensor = KerasTensor(first.batch_shape, dtype=first.dtype, name=first.name)
            Node(first, (), {}, tensor)
            x = tensor
            with running_blocks.as_one_block(self):
                for layer in self.stack[1:]:
                    x = layer(x)
            self._symbols = _Symbols(tensor, x)


class _Symbols:
    """The KerasTensors of a built stack; they do not travel in copies."""

    def __init__(self, input: KerasTensor, output: Nested[KerasTensor]) -> None:
        self.input = input
        self.output = output

    def __getstate__(self) -> dict[str, None]:
        return {"input": None, "output": None}


def _as_layer(layer: Any) -> base.Layer:
    """What `add` takes as a layer."""
    if isinstance(layer, base.Layer):
        return layer
    if isinstance(layer, KerasTensor) and layer._keras_history is not None:
        operation = layer._keras_history[0]
        if getattr(operation, "is_input", False):
            return operation
    if isinstance(layer, nnx.Module):
        return FlaxLayer(layer)
    if callable(layer) and not isinstance(layer, type):
        raise UserInputError(
            "Only instances of `Layer` can be added to a Sequential model. Received: "
            f"{layer!r} (of type {type(layer)}). Wrap a function: `fkeras.layers.Lambda(fn)`."
        )
    raise UserInputError(
        "Only instances of `keras.Layer` can be added to a Sequential model. Received: "
        f"{layer!r} (of type {type(layer)})"
    )


def _input_layer_of(layer: base.Layer) -> InputLayer | None:
    """The InputLayer that a first layer asks for: by `input_shape=`, or as a model with one."""
    shape = layer._info.batch_input_shape
    if shape is not None:
        return InputLayer(batch_shape=shape, dtype=layer.input_dtype)
    if isinstance(layer, Functional) and len(layer.inputs) == 1:
        declared = layer.inputs[0]
        return InputLayer(batch_shape=declared.shape, dtype=declared.dtype)
    if isinstance(layer, Sequential) and layer._input_layer is not None:
        first = layer._input_layer
        return InputLayer(batch_shape=first.batch_shape, dtype=first.dtype)
    return None
