"""`Model`: a layer that can be trained, saved and summarised. The facade: it holds state,
normalises arguments and calls below.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import jax

from fkeras.core import notebook, tracebacks
from fkeras.core.config import scopes, serialization
from fkeras.core.nested import flatten
from fkeras.core.randomness import process_generator
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, nearest
from fkeras.layers.base import building, nested, pure_init, signature, tracking
from fkeras.layers.base import layer as base
from fkeras.models import former_methods
from fkeras.models import summary as summaries
from fkeras.models.adapting import Adapting
from fkeras.models.host_face import HostFace
from fkeras.models.quantizing import Quantizing
from fkeras.models.trainer import Trainer
from fkeras.saving import checkpoint

if TYPE_CHECKING:
    from fkeras.types import Config, Nested, PathLike, Shape, Tensor


class Model(Adapting, HostFace, Quantizing, Trainer, base.Layer):
    """Layers with a training loop.

    Three ways to make one: `Model(inputs, outputs)` from a graph of calls on `Input`s; a subclass
    with layers in `__init__` and a `call(inputs, training=None)`; `Sequential([...])` for a stack.

    Args:
        inputs, outputs: KerasTensors or structures of them (functional models only).
        name: None for an automatic name.
        trainable: whether training changes the weights.
        dtype: dtype name or policy.

    Examples:
        >>> import fkeras, numpy as np
        >>> x = fkeras.Input((3,))
        >>> model = fkeras.Model(x, fkeras.layers.Dense(2)(x))
        >>> model.count_params(), model.output_shape
        (8, (None, 2))
        >>> class Two(fkeras.Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden, self.head = fkeras.layers.Dense(4), fkeras.layers.Dense(1)
        ...     def call(self, x):
        ...         return self.head(self.hidden(x))
        >>> Two()(np.ones((5, 3))).shape
        (5, 1)
    """

    _manages_masks = True
    _passes_remat_on = True
    _functional: type  # the class of functional models; `functional.py` sets it

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if _is_functional(args, kwargs) and cls is Model:
            cls = cls._functional
        return base.Layer.__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if _is_functional(args, kwargs):
            self._become_functional()
            self._functional.__init__(self, *args, **kwargs)
            return
        if args:
            raise UserInputError(
                f"{type(self).__name__}: `Model` takes `inputs` and `outputs` as KerasTensors. "
                f"Received positional arguments {args!r}."
            )
        base.Layer.__init__(self, **kwargs)
        Trainer.__init__(self)

    def _become_functional(self):
        """A subclass of Model whose constructor calls `super().__init__(inputs, outputs)` becomes a
        functional model of that class.
        """
        if not isinstance(self, self._functional):
            cls = type(self)
            mixed = type(
                cls.__name__,
                (cls, self._functional),
                {
                    "__module__": cls.__module__,
                    "__qualname__": cls.__qualname__,
                    "_user_class": cls,
                },
            )
            object.__setattr__(self, "__class__", mixed)

    def call(self, *args: Any, **kwargs: Any) -> Nested[Tensor]:
        """The outputs for inputs. Subclasses define it."""
        raise TypeError(f"Model {type(self).__name__} does not have a `call()` method implemented.")

    call.is_missing = True  # a model whose `train_step` calls other models needs none

    if not TYPE_CHECKING:  # a checker must see that other names do not exist

        def __getattr__(self, name):
            if hasattr(type(self), name):  # a property raised: what it said counts
                return object.__getattribute__(self, name)
            return former_methods.find(self, name)

    # -- structure -------------------------------------------------------------

    def _needs_no_build(self):
        return False

    @property
    def layers(self) -> list[base.Layer]:
        """The layers that the model consists of, as its attributes hold them, each once."""
        return [
            child for _, child in tracking.direct_children(self) if isinstance(child, base.Layer)
        ]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. Please use another name."
        )

    @tracebacks.filtered
    def get_layer(self, name: str | None = None, index: int | None = None) -> base.Layer:
        """A layer by name or by index in `layers`.

        Args:
            name: of the layer. index: of the layer; negative ones count from the end. One of both.

        Raises:
            UserInputError: says which layers there are.
        """
        if (name is None) == (index is None):
            raise UserInputError(
                f"Provide either a layer name or a layer index. Received: name={name}, "
                f"index={index}"
            )
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise UserInputError(
                    f"Was asked to retrieve layer at index {index} but model only has "
                    f"{len(layers)} layers."
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        close = nearest(name, names)
        hint = f"Did you mean {close[0]!r}? " if close else ""
        raise UserInputError(f"No such layer: {name}. {hint}Existing layers are: {names}.")

    def build(self, input_shape: Nested[Shape] | None = None) -> None:
        """Makes all weights from the shape of the inputs.

        Args:
            input_shape: batch axis first; None in a shape for any size. For several inputs a list,
                or a dict by the names of `call`'s arguments.
        """
        if self.built:
            return
        if input_shape is None:
            raise UserInputError(
                f"Model '{self.name}': `build` needs the shape of the inputs, such as "
                "`model.build((None, 4))`."
            )
        spec = _tensors_of_shapes(input_shape)
        if isinstance(spec, dict) and self._call_takes(spec):
            base.Layer.compute_output_spec(self, **spec)
        else:
            base.Layer.compute_output_spec(self, spec)
        self._info.built = True
        self._info.build_shapes = {"input_shape": input_shape}
        building.place(self)

    def _call_takes(self, names: Collection[str]) -> bool:
        return set(names) <= set(signature.of(self).parameters)

    def _build_if_needed(self, given, outer, symbolic):
        """A model needs no shapes of its own: its layers build themselves as they are called. A
        `build` of the user's own is run.
        """
        if type(self).build is not Model.build:
            base.Layer._build_if_needed(self, given, outer, symbolic)
            return
        self._info.built = True
        args, shapes = self._build_arguments(given)
        self._info.build_shapes = shapes or {"input_shape": args[0]}
        if outer is None and self._info.root_key is None:
            self._info.root_key = process_generator.next_root_key()

    def build_from_config(self, config: Config) -> None:
        """Builds the model from what `get_build_config` returned."""
        if not config or self.built:
            return
        shape = config.get("input_shape")
        if shape is None:
            shape = config.get("shapes_dict")
        if shape is None:
            return
        try:
            self.build(nested.as_shape(shape))
        except (TypeError, ValueError) as error:  # its first call will build it
            warn_user(f"Model '{self.name}' could not be built from its config: {error}")

    def _fed_layers(self) -> list[tuple[base.Layer, int]]:
        """(layer, index of the input) for the layers that are called on an input directly, where
        that is known.
        """
        return []

    def reset_states(self) -> None:
        """Resets the state of stateful recurrent layers."""
        for layer in self._flatten_layers(include_self=False):
            for name in ("reset_state", "reset_states"):
                if hasattr(layer, name) and getattr(layer, "stateful", False):
                    getattr(layer, name)()
                    break

    @property
    def distribute_strategy(self) -> None:
        """None: there is no strategy object. Kept for scripts that ask."""
        return None

    @property
    def distribute_reduction_method(self) -> str:
        """'auto'. Kept for scripts that ask."""
        return "auto"

    # -- text ------------------------------------------------------------------

    @tracebacks.filtered
    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Prints a table of the layers: name, output shape, number of parameters; then totals.

        In a notebook it is a table of HTML.

        Args:
            line_length: characters a line; None for the terminal's or 65 and more.
            positions: where the columns end, as parts of the width.
            print_fn: function that takes the text instead of printing it.
            expand_nested: whether the layers of inner models are listed too.
            show_trainable: whether a column tells which layers are trained.
            layer_range: pair of regular expressions: first and last layer to list.
        """
        text = summaries.render(
            self,
            line_length=line_length,
            positions=positions,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
            plain=print_fn is not None,
        )
        if print_fn is None and notebook.is_shown():
            table = summaries.render_html(self, expand_nested, show_trainable, layer_range)
            notebook.Area().show(table, text)
        else:
            (print_fn or print)(text)

    # -- configs ---------------------------------------------------------------

    def to_json(self, **kwargs: Any) -> str:
        """The model's architecture as JSON text; `model_from_json` makes a model of it, with new
        weights. `kwargs` go to `json.dumps`.
        """
        return json.dumps(serialization.serialize_keras_object(self), **kwargs)

    def get_config(self) -> Config:
        """The arguments of the constructor; more where a class says so."""
        return base.Layer.get_config(self)

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Model:
        """The model that `get_config` described, with new weights."""
        with scopes.custom_object_scope(custom_objects or {}):
            is_graph = "layers" in config and "output_layers" in config
            if is_graph and not issubclass(cls, cls._functional):
                # The config of a functional model, asked of `Model` or of a class that becomes one.
                kind = cls._functional if cls is Model else cls
                return cls._functional.from_config.__func__(kind, config, custom_objects)
            return super().from_config(config)

    # -- files -----------------------------------------------------------------

    def save(
        self, filepath: PathLike, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
    ) -> None:
        """Saves architecture, weights, optimizer state and step, for `load_model`.

        Args:
            filepath: `name.keras` for Keras 3's archive; `name.h5` for the file of before; a path
                without suffix for an Orbax checkpoint directory.
            overwrite: whether what stands there is replaced; else that is an error.
            zipped: False for a directory of the files that a `.keras` archive holds.
            **kwargs: `include_optimizer=False` leaves the optimizer's state out.
        """
        return checkpoint.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(
        self,
        filepath: PathLike,
        overwrite: bool = True,
        max_shard_size: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Saves the weights alone: see `fkeras.saving.save_weights`."""
        checkpoint.save_weights(self, filepath, overwrite, max_shard_size, **kwargs)

    def load_weights(
        self, filepath: PathLike, skip_mismatch: bool = False, **kwargs: Any
    ) -> former_methods.LoadStatus:
        """Takes the weights from what `save_weights` or `save` wrote, here or in Keras. All are
        checked before any is set: see `fkeras.saving.load_weights`.

        Returns:
            What older scripts ask for `expect_partial()`.
        """
        checkpoint.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)
        return former_methods.LoadStatus()

    # -- the pure face ---------------------------------------------------------

    @tracebacks.filtered
    def init(self, key: jax.Array, *inputs: Any, **named_inputs: Any) -> dict[str, Any]:
        """The model's variables as a pure function of a key: see `Layer.init`. A built model needs
        no inputs.
        """
        return pure_init.init(self, key, inputs, named_inputs)

    def __reduce_ex__(self, protocol: int) -> tuple | str:
        cls = getattr(type(self), "_user_class", None)
        if cls is None:
            return super().__reduce_ex__(protocol)
        return _remake_mixed, (cls,), self.__getstate__()


def _remake_mixed(cls):
    """An empty model of a class that became functional, for pickle to fill."""
    model = base.Layer.__new__(cls)
    model._become_functional()
    return model


def _is_functional(args, kwargs) -> bool:
    """Whether arguments of a constructor are `inputs` and `outputs`."""
    named = "inputs" in kwargs and "outputs" in kwargs
    if not (len(args) == 2 or (len(args) == 1 and "outputs" in kwargs) or named):
        return False
    inputs = args[0] if args else kwargs["inputs"]
    return "inputs" in kwargs or any(isinstance(x, KerasTensor) for x in flatten(inputs))


def _tensors_of_shapes(shape):
    """KerasTensors in the place of shapes."""
    if nested.is_shape(shape):
        return KerasTensor(tuple(shape))
    if isinstance(shape, dict):
        return {name: _tensors_of_shapes(inner) for name, inner in shape.items()}
    if isinstance(shape, (KerasTensor, jax.ShapeDtypeStruct)):
        return KerasTensor(shape.shape, dtype=str(shape.dtype))
    return type(shape)(_tensors_of_shapes(inner) for inner in shape)


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model that `Model.to_json` described, with new weights.

    Args:
        json_string: the text.
        custom_objects: dict from names to classes or functions that it names.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> fkeras.models.model_from_json(model.to_json()).count_params()
        8
    """
    return serialization.deserialize_keras_object(
        json.loads(json_string), custom_objects=custom_objects
    )
