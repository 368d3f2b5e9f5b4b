"""`Model`: a layer that can be trained, saved and summarised. The facade: it holds state,
normalises arguments and calls below.
"""

import json
import warnings

import jax

from fkeras.core.config import scopes, serialization
from fkeras.core.nested import flatten
from fkeras.core.randomness import seeds
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, nearest
from fkeras.layers.base import building, nested, pure, signature, tracking
from fkeras.layers.base import layer as base
from fkeras.models import summary as summaries
from fkeras.models.trainer import Trainer
from fkeras.saving import checkpoint


class Model(Trainer, base.Layer):
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
    _functional: type  # the class of functional models; `functional.py` sets it

    def __new__(cls, *args, **kwargs):
        if _is_functional(args, kwargs) and cls is Model:
            cls = cls._functional
        return base.Layer.__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
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

    def call(self, *args, **kwargs):
        raise TypeError(f"Model {type(self).__name__} does not have a `call()` method implemented.")

    # -- structure -------------------------------------------------------------

    def _needs_no_build(self):
        return False

    @property
    def layers(self):
        """The layers that the model consists of, as its attributes hold them, each once."""
        return [
            child for _, child in tracking.direct_children(self) if isinstance(child, base.Layer)
        ]

    @layers.setter
    def layers(self, value):
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. Please use another name."
        )

    def get_layer(self, name=None, index=None):
        """A layer by name or by index in `layers`."""
        if (name is None) == (index is None):
            raise UserInputError(
                f"Provide either a layer name or a layer index. Received: name={name}, "
                f"index={index}"
            )
        own = self.layers
        if index is not None:
            if not -len(own) <= index < len(own):
                raise UserInputError(
                    f"Was asked to retrieve layer at index {index} but model only has {len(own)} "
                    "layers."
                )
            return own[index]
        for layer in own:
            if layer.name == name:
                return layer
        close = nearest(name, [layer.name for layer in own])
        raise UserInputError(
            f"No such layer: {name}. "
            + (f"Did you mean {close[0]!r}? " if close else "")
            + f"Existing layers are: {[layer.name for layer in own]}."
        )

    def build(self, input_shape=None):
        """Makes all weights from the shape of the inputs (batch axis first; None for any batch
        size).
        """
        if self.built:
            return
        if input_shape is None:
            raise UserInputError(
                f"Model '{self.name}': `build` needs the shape of the inputs, such as "
                "`model.build((None, 4))`."
            )
        spec = _tensors(input_shape)
        arguments = spec if isinstance(spec, dict) and self._call_takes(spec) else None
        if arguments is not None:
            base.Layer.compute_output_spec(self, **arguments)
        else:
            base.Layer.compute_output_spec(self, spec)
        self._info.built = True
        self._info.build_shapes = {"input_shape": input_shape}
        building.place(self)

    def _call_takes(self, names):
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
            self._info.root_key = seeds.next_root_key()

    def build_from_config(self, config):
        """Builds the model from what `get_build_config` returned."""
        if not config or self.built:
            return
        shape = config.get("input_shape")
        if shape is None and "shapes_dict" in config:
            shape = config["shapes_dict"]
        if shape is not None:
            try:
                self.build(nested.as_shape(shape))
            except (TypeError, ValueError) as error:
                warnings.warn(
                    f"Model '{self.name}' could not be built from its config: {error}", stacklevel=2
                )

    def _fed_layers(self) -> list:
        """(layer, index of the input) for the layers that are called on an input directly, where
        that is known.
        """
        return []

    def reset_states(self):
        """Resets the state of stateful recurrent layers."""
        for layer in self._flatten_layers(include_self=False):
            for name in ("reset_state", "reset_states"):
                if hasattr(layer, name) and getattr(layer, "stateful", False):
                    getattr(layer, name)()
                    break

    @property
    def distribute_strategy(self):
        return None

    @property
    def distribute_reduction_method(self):
        return "auto"

    # -- text ------------------------------------------------------------------

    def summary(
        self,
        line_length=None,
        positions=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
    ):
        """Prints a table of the layers: name, output shape, number of parameters; then totals.

        Args:
            line_length: characters a line; None for the terminal's or 80 and more.
            positions: relative widths of the columns.
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
        (print_fn or print)(text)

    def to_json(self, **kwargs):
        """The model's architecture as JSON text; `model_from_json` makes a model of it, with new
        weights.
        """
        return json.dumps(serialization.serialize_keras_object(self), **kwargs)

    def get_config(self):
        return base.Layer.get_config(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        with scopes.custom_object_scope(custom_objects or {}):
            if "layers" in config and "output_layers" in config:
                if not issubclass(cls, cls._functional):
                    return cls._functional.from_config.__func__(
                        cls._functional if cls is Model else cls, config, custom_objects
                    )
            return super().from_config(config)

    # -- files -----------------------------------------------------------------

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves architecture, weights, optimizer state and step. A path without suffix becomes an
        Orbax checkpoint directory.
        """
        return checkpoint.save_model(self, filepath, overwrite=overwrite, **kwargs)

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """Saves the weights alone to an Orbax checkpoint directory (a path without suffix)."""
        checkpoint.save_weights(self, filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Takes the weights from what `save_weights` or `save` wrote. All are checked before any is
        set.
        """
        checkpoint.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    # -- the pure face ---------------------------------------------------------

    def init(self, key, *inputs, **named_inputs):
        """The model's variables as a pure function of a key: see `Layer.init`. A built model needs
        no inputs.
        """
        return pure.init(self, key, inputs, named_inputs)

    def _abstract_build(self, x):
        """Builds the model from one batch of inputs, computing nothing."""
        pure.build_abstractly(self, (x,), {})
        building.place(self)

    def __reduce_ex__(self, protocol):
        cls = getattr(type(self), "_user_class", None)
        if cls is None:
            return super().__reduce_ex__(protocol)
        return _remake_mixed, (cls,), self.__getstate__()


def _remake_mixed(cls):
    made = base.Layer.__new__(cls)
    made._become_functional()
    return made


def _is_functional(args, kwargs) -> bool:
    if (
        len(args) == 2
        or len(args) == 1
        and "outputs" in kwargs
        or "inputs" in kwargs
        and "outputs" in kwargs
    ):
        inputs = args[0] if args else kwargs["inputs"]
        return any(isinstance(x, KerasTensor) for x in flatten(inputs)) or "inputs" in kwargs
    return False


def _tensors(shape):
    """KerasTensors in the place of shapes."""
    if nested.is_shape(shape):
        return KerasTensor(tuple(shape))
    if isinstance(shape, dict):
        return {k: _tensors(v) for k, v in shape.items()}
    if isinstance(shape, KerasTensor) or isinstance(shape, jax.ShapeDtypeStruct):
        return KerasTensor(shape.shape, dtype=str(shape.dtype))
    return type(shape)(_tensors(v) for v in shape)


def model_from_json(json_string, custom_objects=None):
    """The model that `Model.to_json` described, with new weights.

    Examples:
        >>> import fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> fkeras.models.model_from_json(model.to_json()).count_params()
        8
    """
    return serialization.deserialize_keras_object(
        json.loads(json_string), custom_objects=custom_objects
    )
