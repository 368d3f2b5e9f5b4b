"""`Layer`: config in `__init__`, weights in `build`, a pure `call`.

What every layer needs stands in the classes that `Layer` is put together from, one concern each.

A layer is a `flax.nnx.Module`. Called as an object it behaves as in Keras; `init` and `apply` give
the same computation as pure functions of a dict of arrays.
"""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any, Self

import jax
import numpy as np
from flax import nnx

from fkeras import regularizers as regularizers_module
from fkeras.core import dtype_policy, jax_private, names, tracebacks, warn_once
from fkeras.core.symbolic.operation import Operation
from fkeras.core.values import lending, trainable_scope
from fkeras.core.values.variable_info import info_of
from fkeras.errors import PureCallError, UserInputError, UserTypeError
from fkeras.layers.base import building, former_arguments, symbolic_masks, tracking  # noqa: F401
from fkeras.layers.base import context as contexts
from fkeras.layers.base.attribute_scan import AttributeScan
from fkeras.layers.base.building import Building
from fkeras.layers.base.calling import Calling
from fkeras.layers.base.configuration import Configuration
from fkeras.layers.base.host_part import HostPart
from fkeras.layers.base.info import LayerInfo
from fkeras.layers.base.losses import AddedLosses
from fkeras.layers.base.pure_face import PureFace
from fkeras.layers.base.quantizing import Quantizing
from fkeras.layers.base.shape_inference import ShapeInference
from fkeras.layers.base.signature import ConstructorSignature, plain_text
from fkeras.layers.base.symbolic_history import SymbolicHistory
from fkeras.layers.base.weights import Weights

if TYPE_CHECKING:
    from flax.nnx.module import ModuleMeta

    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.core.symbolic.node import Node
    from fkeras.layers.base.input_spec import InputSpec
    from fkeras.types import DTypeLike, DTypePolicyLike, Identifier, Nested, Shape
else:
    ModuleMeta = type(nnx.Module)


class LayerType(ModuleMeta):
    """What classes of layers are made of: errors leave a constructor without the libraries'
    frames.
    """

    if not TYPE_CHECKING:  # a checker reads the arguments from `__init__`

        @tracebacks.filtered
        def __call__(cls, *args, **kwargs):  # noqa: N805
            if not former_arguments.NAMES.isdisjoint(kwargs):
                args, kwargs = former_arguments.translate(cls, args, kwargs)
            return super().__call__(*args, **kwargs)


class Layer(
    Building,
    Calling,
    ShapeInference,
    Weights,
    AddedLosses,
    Configuration,
    SymbolicHistory,
    PureFace,
    HostPart,
    Quantizing,
    nnx.Module,
    metaclass=LayerType,
    pytree=False,
):
    """The base of all layers and models.

    Subclass it: configuration in `__init__`, weights in `build(input_shape)` (or in `__init__`),
    computation in `call(inputs)`. Sub-layers count wherever they are kept: attributes, lists,
    dicts, nested.

    Args:
        activity_regularizer: function of the output whose value is added to the loss.
        trainable: whether training changes the weights.
        dtype: dtype name or `DTypePolicy` for arithmetic and weights; None for the global policy.
        autocast: whether float inputs are cast to the compute dtype.
        name: None for an automatic name.

    Examples:
        >>> import fkeras, jax, jax.numpy as jnp
        >>> class Scale(fkeras.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, x):
        ...         return x * self.factor
        >>> layer = Scale()
        >>> layer(jnp.ones((2, 3))).shape
        (2, 3)
        >>> variables = layer.init(jax.random.key(0), (2, 3))
        >>> jax.tree.map(jnp.shape, variables)
        {'params': {'factor': (3,)}, 'state': {}}
        >>> outputs, state = layer.apply(variables, jnp.ones((2, 3)))
    """

    __signature__ = ConstructorSignature()
    _takes_steps = False  # whether `input_dim` of older Keras is of each step of a sequence
    runs_on_host = False  # whether `call` is given NumPy arrays, strings among them (`HostLayer`)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # NNX's pytree checks would refuse plain lists and dicts of layers.
        kwargs.setdefault("pytree", False)
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = building.recorded(vars(cls)["build"])

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = object.__new__(cls)
        object.__setattr__(self, "_info", LayerInfo(cls, args, kwargs))
        return self

    def __init__(
        self,
        *,
        activity_regularizer: Identifier | None = None,
        trainable: bool = True,
        dtype: DTypePolicyLike | None = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        class_name = type(self).__name__
        _check_name(class_name, name)
        info = self._info
        info.auto_named = name is None
        info.name = name or names.auto_name(class_name)
        info.activity_regularizer = regularizers_module.get(activity_regularizer)
        info.batch_input_shape = _pop_batch_input_shape(kwargs, self._takes_steps)
        info.initial_weights = kwargs.pop("weights", None)
        kwargs.pop("input_dtype", None)
        if kwargs:
            raise UserTypeError(
                f"Unrecognized keyword arguments passed to {class_name}: {kwargs}. It takes: "
                f"{plain_text(inspect.signature(type(self)).parameters.values())}"
            )
        if not isinstance(trainable, (bool, np.bool_)):
            raise UserTypeError(
                f"{class_name}: expected `trainable` to be a boolean. Received: "
                f"trainable={trainable!r}"
            )
        info.dtype_policy = dtype_policy.get(dtype)
        info.autocast = autocast
        info.trainable = bool(trainable)
        info.made_in_call = contexts.current() is not None
        info.is_initialized = True

    def _check_ready(self) -> None:
        if not self._info.is_initialized:
            raise RuntimeError(
                f"In layer {type(self).__name__!r}, you forgot to call `super().__init__()` as the "
                "first statement in the `__init__()` method. Go add it!"
            )

    # -- names and settings ------------------------------------------------------

    @property
    def built(self) -> bool:
        """Whether the layer has its weights. A layer with none to make is built from the start."""
        info = self._info
        if not info.built and info.is_initialized and self._needs_no_build():
            return all(layer.built for layer in self._layers)
        return info.built

    @built.setter
    def built(self, value: bool) -> None:
        self._info.built = value

    @property
    def name(self) -> str:
        """The layer's name, unique among the members of a model."""
        return self._info.name

    @name.setter
    def name(self, value: str) -> None:
        self._info.name = value
        self._info.auto_named = False
        AttributeScan.renamings += 1

    def take_name_of_config(self) -> None:
        """Told after the layer was made from a config, which does not say who chose its name: one
        that looks automatic counts as such.
        """
        self._info.auto_named = names.is_automatic(self.name, type(self).__name__)
        AttributeScan.renamings += 1

    @property
    def path(self) -> str:
        """The layer's name behind the names of the layers it was built in."""
        return self._info.path or self._info.name

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights. Setting it counts for all sub-layers and, in a
        compiled model, at the next `compile`.
        """
        return trainable_scope.is_trainable(self._info)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        trainable_scope.set_trainable(self._info, value)
        structure = tracking.structure_of(self)
        for _, layer in structure.layers:
            trainable_scope.set_trainable(layer._info, value)
        for _, variable in structure.variables:
            if isinstance(variable, nnx.Param):
                trainable_scope.set_trainable(info_of(variable), value)

    @property
    def dtype_policy(self) -> DTypePolicy:
        """The policy of compute and weight dtypes."""
        policy = self._info.dtype_policy
        if isinstance(policy, dtype_policy.DTypePolicyMap) and policy:
            return policy[self.path]
        return policy

    @dtype_policy.setter
    def dtype_policy(self, value: DTypePolicyLike | None) -> None:
        info, policy = self._info, dtype_policy.get(value)
        before = info.dtype_policy
        if isinstance(before, dtype_policy.DTypePolicyMap) and info.path:
            before.pop(info.path, None)
            before[info.path] = policy  # the map is that of the layers around, too
            return
        info.dtype_policy = policy
        if info.built and policy.quantization_mode is not None and not info.schemes:
            try:
                self._quantize_for(policy)
            except BaseException:
                info.dtype_policy = before
                raise

    @property
    def dtype(self) -> str:
        """The dtype of the weights, as `variable_dtype`."""
        return self.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the layer's arithmetic and outputs.

        The policy's; in a pure call whose variables have another float dtype that one, unless the
        policy tells arithmetic and weights apart.
        """
        policy = self.dtype_policy
        context = contexts.current()
        if context is not None and context.float_dtype is not None:
            if policy.compute_dtype == policy.variable_dtype:
                return context.float_dtype
        return policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self.dtype_policy.variable_dtype

    @property
    def input_dtype(self) -> DTypeLike:
        """The dtype that float inputs are cast to."""
        return self.compute_dtype

    @property
    def quantization_mode(self) -> str | None:
        """The quantization that the dtype policy names, or None."""
        return getattr(self.dtype_policy, "quantization_mode", None)

    @property
    def autocast(self) -> bool:
        """Whether float inputs are cast to the compute dtype."""
        return self._info.autocast

    @autocast.setter
    def autocast(self, value: bool) -> None:
        self._info.autocast = value

    @property
    def supports_masking(self) -> bool:
        """Whether masks pass through this layer."""
        return self._info.supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._info.supports_masking = value

    @property
    def activity_regularizer(self) -> Any:
        """Function of the output that adds to the loss, or None."""
        return self._info.activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value: Any) -> None:
        self._info.activity_regularizer = value

    @property
    def input_spec(self) -> Nested[InputSpec] | None:
        """What the layer demands of its inputs, or None."""
        return self._info.input_spec

    @input_spec.setter
    def input_spec(self, value: Nested[InputSpec] | None) -> None:
        self._info.input_spec = value

    @property
    def _convert_input_args(self) -> bool:
        """Whether arrays among the inputs become JAX arrays; Keras's name, set by user layers."""
        return self._info.convert_inputs

    @_convert_input_args.setter
    def _convert_input_args(self, value: bool) -> None:
        self._info.convert_inputs = value

    @property
    def _inbound_nodes(self) -> list[Node]:
        """Symbolic calls, under Keras's name."""
        return self._info.nodes

    # -- attributes, copies --------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Layer) and name not in vars(self) and "_info" in vars(self):
            self._refuse_new_state("layer", value.name)
        if name not in _PROPERTIES and _is_baked(self, value):
            warn_once.warn(
                f"Layer '{self.name}' sets its attribute {name!r} inside `call` while JAX traces "
                "it: the assignment happens once, not at each call. Keep changing state in a "
                "Variable (`self.add_weight(..., trainable=False)`).",
                stacklevel=2,
            )
        nnx.Module.__setattr__(self, name, value)

    def _members(self) -> list[tuple[str, Layer]]:
        """Sub-layers that go by names of their own before those that attributes hold: the members
        of a Sequential or functional model.
        """
        return []

    def _check_valid_context(self, *args: Any, **kwargs: Any) -> None:
        """NNX's check of trace levels is off: a sub-layer may be built inside a trace, and the
        values of Variables have a check of their own.
        """

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if lending.in_pure_call():
            raise PureCallError(
                f"copy.deepcopy of layer '{self.name}' inside a pure call would copy lent values. "
                "Copy outside of it."
            )
        duplicate = object.__new__(type(self))
        memo[id(self)] = duplicate
        duplicate.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return duplicate

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    __str__ = __repr__


Operation.register(Layer)
_PROPERTIES = frozenset(n for n in dir(Layer) if isinstance(getattr(Layer, n, None), property))


def _is_baked(layer: Layer, value: Any) -> bool:
    """Whether a plain value is set on a built layer while a program is traced through its call: the
    program would set it once, when it is traced, and never again.
    """
    context = contexts.current()
    if layer.runs_on_host:  # no part of a program
        return False
    if context is None or not layer._info.built or layer._info.building:
        return False
    if not jax_private.is_below_staging(jax_private.current_trace()):
        return False
    is_plain = isinstance(value, (int, float, jax.core.Tracer, np.ndarray))
    is_variable = isinstance(value, (nnx.Module, nnx.Variable))
    return is_plain and not is_variable and not lending.in_abstract_call()


def _check_name(class_name: str, name: str | None) -> None:
    if name is not None and not isinstance(name, str):
        raise UserInputError(
            f"{class_name}: `name` must be a string. Received: name={name!r} (of type {type(name)})"
        )
    if name is not None and "/" in name:
        raise UserInputError(
            f"{class_name}: `name` cannot contain the character `/`. Received: name={name}"
        )


def _pop_batch_input_shape(kwargs: dict[str, Any], takes_steps: bool) -> Shape | None:
    """Takes older Keras's ways of naming the input's shape on the first layer out of the keyword
    arguments; the batch size comes first.

    Args:
        kwargs: the constructor's further arguments.
        takes_steps: whether `input_dim` is of each step of a sequence.
    """
    batch_size = kwargs.pop("batch_size", None)
    has_length, length = "input_length" in kwargs, kwargs.pop("input_length", None)
    if "input_shape" in kwargs:
        shape = kwargs.pop("input_shape")
        return (batch_size, *((shape,) if isinstance(shape, (int, np.integer)) else shape))
    if "input_dim" in kwargs:
        size = kwargs.pop("input_dim")
        return (batch_size, length, size) if has_length or takes_steps else (batch_size, size)
    if "batch_input_shape" in kwargs:
        return tuple(kwargs.pop("batch_input_shape"))
    return None
