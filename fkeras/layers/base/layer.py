"""`Layer`: config in `__init__`, weights in `build`, a pure `call`. What every layer needs stands
here once.

A layer is a `flax.nnx.Module`. Called as an object it behaves as in Keras; `init` and `apply` (in
`pure.py`) give the same computation as pure functions of a dict of arrays.
"""

import contextlib
import copy
import inspect
import warnings

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from fkeras import constraints as constraints_module
from fkeras import initializers as initializers_module
from fkeras import regularizers as regularizers_module
from fkeras.core import dtype_policy, jax_private, names, warn_once
from fkeras.core.config import constructor, serialization
from fkeras.core.nested import flatten, map_structure
from fkeras.core.randomness import seeds
from fkeras.core.symbolic.evaluate import evaluate
from fkeras.core.symbolic.keras_tensor import KerasTensor, any_symbolic
from fkeras.core.symbolic.node import Node
from fkeras.core.symbolic.operation import Operation
from fkeras.core.values import lending, masks, remat, trainable_scope
from fkeras.core.values.variable import Variable
from fkeras.core.values.variable_info import info_of
from fkeras.errors import NotBuiltError, PureCallError, UserInputError, UserTypeError
from fkeras.layers.base import building, nested, pure, signature, tracking
from fkeras.layers.base import context as contexts
from fkeras.layers.base import input_spec as specs
from fkeras.layers.base.argument_config import serialize_argument
from fkeras.layers.base.info import LayerInfo
from fkeras.layers.base.symbolic_history import History
from fkeras.layers.base.weights import Weights


class Layer(Weights, History, nnx.Module, pytree=False):
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
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")
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

    _manages_masks = False  # models: their layers have put the right masks on the outputs already

    def __init_subclass__(cls, **kwargs):
        kwargs.setdefault("pytree", False)
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = building.recorded(vars(cls)["build"])

    def __new__(cls, *args, **kwargs):
        self = object.__new__(cls)
        object.__setattr__(self, "_info", LayerInfo(cls, args, kwargs))
        return self

    def __init__(
        self,
        *,
        activity_regularizer=None,
        trainable=True,
        dtype=None,
        autocast=True,
        name=None,
        **kwargs,
    ):
        info = self._info
        info.auto_named = name is None
        if name is not None and not isinstance(name, str):
            raise UserInputError(
                f"{type(self).__name__}: `name` must be a string. Received: name={name!r} (of type "
                f"{type(name)})"
            )
        if name is not None and "/" in name:
            raise UserInputError(
                f"{type(self).__name__}: `name` cannot contain the character `/`. Received: "
                f"name={name}"
            )
        info.name = name or names.auto_name(type(self).__name__)
        info.activity_regularizer = regularizers_module.get(activity_regularizer)
        info.batch_input_shape = _batch_input_shape(kwargs)
        info.initial_weights = kwargs.pop("weights", None)
        kwargs.pop("input_dtype", None)
        if kwargs:
            raise UserTypeError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}. "
                f"It takes: {inspect.signature(type(self).__init__)}"
            )
        if not isinstance(trainable, (bool, np.bool_, int)):
            raise UserTypeError(
                f"{type(self).__name__}: expected `trainable` to be a boolean. Received: "
                f"trainable={trainable!r}"
            )
        info.dtype_policy = dtype_policy.get(dtype)
        info.autocast, info.trainable = autocast, bool(trainable)
        info.is_initialized = True

    # -- names and settings ----------------------------------------------------

    def _of_info(name, doc):  # noqa: N805
        return property(
            lambda self: getattr(self._info, name),
            lambda self, value: setattr(self._info, name, value),
            doc=doc,
        )

    autocast = _of_info("autocast", "Whether float inputs are cast to the compute dtype.")
    supports_masking = _of_info("supports_masking", "Whether masks pass through this layer.")
    activity_regularizer = _of_info(
        "activity_regularizer", "Function of the output that adds to the loss, or None."
    )
    _convert_input_args = _of_info(
        "convert_inputs", "Whether arrays among the inputs become JAX arrays."
    )
    _inbound_nodes = _of_info("nodes", "Symbolic calls.")
    _called = _of_info("called", "Whether it was called.")
    del _of_info

    @property
    def built(self):
        """Whether the layer has its weights. A layer with none to make is built from the start."""
        if not self._info.built and self._info.is_initialized and self._needs_no_build():
            return all(layer.built for layer in self._layers)
        return self._info.built

    @built.setter
    def built(self, value):
        self._info.built = value

    def _needs_no_build(self):
        return not _overrides(self, "build")

    def _members(self):
        """(name, layer) for what models list beside their attributes."""
        return ()

    @property
    def name(self):
        return self._info.name

    @name.setter
    def name(self, value):
        self._info.name, self._info.auto_named = value, False
        tracking.Look.renamed += 1

    @property
    def input_spec(self):
        return self._info.input_spec

    @input_spec.setter
    def input_spec(self, value):
        self._info.input_spec = value

    @property
    def dtype_policy(self):
        policy = self._info.dtype_policy
        return (
            policy[self.path]
            if isinstance(policy, dtype_policy.DTypePolicyMap) and policy
            else policy
        )

    @dtype_policy.setter
    def dtype_policy(self, value):
        self._info.dtype_policy = dtype_policy.get(value)

    @property
    def dtype(self):
        return self.variable_dtype

    @property
    def compute_dtype(self):
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self):
        return self.dtype_policy.variable_dtype

    @property
    def input_dtype(self):
        return self.compute_dtype

    @property
    def path(self):
        """The layer's name behind the names of the layers it was built in."""
        return self._info.path or self._info.name

    @property
    def quantization_mode(self):
        return getattr(self.dtype_policy, "quantization_mode", None)

    @property
    def trainable(self):
        """Whether training changes the weights. Setting it counts for all sub-layers and, in a
        compiled model, at the next `compile`.
        """
        return trainable_scope.is_trainable(self._info)

    @trainable.setter
    def trainable(self, value):
        value = bool(value)
        trainable_scope.set_trainable(self._info, value)
        structure = tracking.structure_of(self)
        for _, layer in structure.layers:
            trainable_scope.set_trainable(layer._info, value)
        for _, variable in structure.variables:
            if isinstance(variable, nnx.Param):
                trainable_scope.set_trainable(info_of(variable), value)

    # -- making weights --------------------------------------------------------

    def add_variable(
        self,
        shape,
        initializer,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        name=None,
    ):
        """The same as `add_weight`, under an older name."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    def add_weight(
        self,
        shape=None,
        initializer=None,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        aggregation="none",
        overwrite_with_gradient=False,
        name=None,
        layout=None,
    ):
        """Makes a Variable of this layer. Its value is drawn when first needed.

        Args:
            shape: tuple of ints; None for a scalar.
            initializer: name, object or function `(shape, dtype)`; None for glorot uniform (float)
                or zeros.
            dtype: None for the layer's variable dtype.
            trainable: whether training changes it (also needs the layer's `trainable`).
            autocast: whether it reads in the compute dtype inside `call`.
            regularizer: function of the value whose result is added to the loss.
            constraint: function of the value applied after each update.
            aggregation: how replicas combine it.
            overwrite_with_gradient: whether the optimizer puts the gradient in its place (float8
                scales).
            name: None for an automatic name.

        Returns:
            The Variable.
        """
        self._check_ready()
        self._refuse_new_state("weight", name)
        shape = () if shape is None else shape
        dtype = self.variable_dtype if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if dtype_policy.is_float(dtype) else "zeros"
        with contextlib.nullcontext() if self._info.building else names.scope(self._info.name):
            variable = Variable(
                initializers_module.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
                regularizer=regularizers_module.get(regularizer),
                constraint=constraints_module.get(constraint),
                layout=layout,
            )
        variable.overwrite_with_gradient = overwrite_with_gradient
        if not self.trainable:
            variable.trainable = False
        return variable

    def _refuse_new_state(self, what, name):
        """A call may not make state: it would be new at each call, or never trained."""
        info = self._info
        if info.call_depth and info.built and not info.building:
            raise UserInputError(
                f"Layer '{self.name}': you cannot add new elements of state (variables or "
                f"sub-layers) to a layer that is already built. `call` makes the {what} "
                f"{name or ''}: make it in `__init__()` or in `build()`."
            )

    def build(self, input_shape=None, **shapes):
        """Makes the layer's weights from the shape of its inputs. Override it; the default has none
        to make.
        """
        self._info.built = True

    def _run_build(self, call_args):
        """Runs `build` with the shapes that its signature asks for."""
        shapes = self._build_shapes(call_args)
        self._info.path = names.current_path() or self._info.name
        with building.open_name_scope(self):
            if isinstance(shapes, building.ByName):
                self.build(**shapes.shapes)
            else:
                self.build(shapes)
        self._info.built = True

    def _build_shapes(self, call_args):
        """What `build` is called with: the shape of the first argument, or shapes by name where it
        asks for them.
        """
        shapes = {
            name: signature.shape_of(value)
            for name, value in call_args.items()
            if nested.holds_tensor(value)
        }
        parameters = signature.parameter_names(type(self).build)
        first = next(iter(shapes.values()), None)
        if (
            type(self).build is Layer.build
            or len(parameters) == 1
            and not parameters[0].endswith("_shape")
            or not parameters
        ):
            return first
        if len(parameters) == 1 and (
            len(shapes) <= 1 or parameters[0] in ("input_shape", "inputs_shape")
        ):
            return first
        by_name = {
            f"{name}_shape": shape
            for name, shape in shapes.items()
            if f"{name}_shape" in parameters
        }
        if not by_name:
            return first
        return building.ByName(by_name)

    def get_build_config(self):
        """The shapes that the layer was built with, for `build_from_config`; None where it was
        not.
        """
        shapes = self._info.build_shapes
        if shapes is None:
            return None
        return (
            {"input_shape": shapes["input_shape"]}
            if set(shapes) == {"input_shape"}
            else {"shapes_dict": shapes}
        )

    def build_from_config(self, config):
        """Builds the layer from what `get_build_config` returned."""
        if not config:
            return
        shapes = config.get("shapes_dict")
        if shapes is not None:
            self.build(**{k: nested.as_shape(v) for k, v in shapes.items()})
        elif config.get("input_shape") is not None:
            self.build(nested.as_shape(config["input_shape"]))
        self._info.built = True

    # -- calling ---------------------------------------------------------------

    def _check_ready(self):
        if not self._info.is_initialized:
            raise RuntimeError(
                f"In layer {type(self).__name__!r}, you forgot to call `super().__init__()` as the "
                "first statement in the `__init__()` method. Go add it!"
            )

    def __call__(self, *args, **kwargs):
        self._check_ready()
        info, sig, outer = self._info, signature.of(self), contexts.current()
        if info.convert_inputs:
            args, kwargs = self._convert_inputs(args, kwargs)
        told = (
            kwargs.pop("training", None)
            if not sig.has_training and sig.var_keyword is None and "training" in kwargs
            else None
        )
        given = sig.bind(args, kwargs, f"Layer '{self.name}' ({type(self).__name__})")
        self._check_positional(sig, args)
        first = next(iter(given.values()), None)
        specs.check(info.input_spec, first, info.name)
        symbolic = any_symbolic(*given.values())
        training = self._resolve_training(sig, given, outer, told, symbolic)
        if not symbolic:
            self._fill_masks(sig, given)
        if outer is None:
            info.losses = []
            opened = contexts.opened(contexts.CallContext(self))
        else:
            opened = contextlib.nullcontext(outer)
        with opened as context, names.scope(info.name):
            before, context.training = context.training, training
            try:
                if not info.built:
                    self._build_if_needed(given, outer, symbolic)
                if outer is None:
                    outputs = self._call_outermost(sig, given, symbolic)
                else:
                    outputs = self._call_once(sig, given, symbolic)
            finally:
                context.training = before
        info.called = True
        return outputs

    def _build_if_needed(self, given, outer, symbolic):
        if not self._info.built:
            self._run_build(given)
            if outer is None and not symbolic and self._info.root_key is None:
                self._info.root_key = seeds.next_root_key()

    def _call_outermost(self, sig, given, symbolic):
        """The first call on this thread: the object's own values go through the door of lending
        where inner traces may remember them.
        """
        if symbolic or lending.is_open():
            return self._call_once(sig, given, symbolic)
        for layer in self._flatten_layers(include_self=False):
            layer._info.losses = []
        with building.root_of_draws(self):
            own = [v for _, v in self._structure().variables]
            if own and lending.needs_own_scope(own):
                return lending.call_on_own_values(
                    lambda: self._call_once(sig, given, symbolic), own
                )
            return self._call_once(sig, given, symbolic)

    def _call_once(self, sig, given, symbolic):
        info = self._info
        positional, keywords = nested.split_arguments(sig, given)
        if symbolic:
            outputs = self.symbolic_call(*positional, **keywords)
        else:
            where = seeds.current_scope()
            located = (
                seeds.located(where.paths.get(id(self), info.name))
                if where is not None
                else contextlib.nullcontext()
            )
            policy = info.dtype_policy
            cast = (
                policy.compute_dtype
                if info.autocast and policy.compute_dtype != policy.variable_dtype
                else None
            )
            run = self.call if info.remat is None else self._rematerialized()
            info.call_depth += 1
            try:
                with located, lending.autocast(cast):
                    outputs = run(*positional, **keywords)
            finally:
                info.call_depth -= 1
        if info.activity_regularizer is not None and not symbolic:
            for output in flatten(outputs):
                value = info.activity_regularizer(output)
                self.add_loss(
                    value / max(output.shape[0], 1) if output.ndim else value
                )  # of the same strength for any batch size
        if not symbolic and not self._manages_masks:
            self._pass_masks(given, outputs)
        return outputs

    def _rematerialized(self):
        scope = self._info.remat
        if (
            lending.in_abstract_call()
            or scope.mode == "list_of_layers"
            and self.name not in scope.layer_names
        ):
            return self.call
        return lambda *args, **kwargs: self.rematerialized_call(self.call, *args, **kwargs)

    def rematerialized_call(self, layer_call, *args, **kwargs):
        """`layer_call(*args, **kwargs)` with its intermediate values computed again in the backward
        pass, as the layer's `RematScope` says.
        """
        scope = self._info.remat
        if scope is not None and scope.mode == "larger_than":
            shapes = flatten(
                map_structure(
                    lambda t: _Size(t.shape),
                    self.compute_output_spec(*map_structure(_as_symbolic, args), **kwargs),
                )
            )
            if max((s.count for s in shapes), default=0) <= scope.output_size_threshold:
                return layer_call(*args, **kwargs)
        return remat.call(layer_call, [v for _, v in self._structure().variables], args, kwargs)

    def symbolic_call(self, *args, **kwargs):
        """Shapes of the outputs as KerasTensors, with the call on record."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def call(self, *args, **kwargs):
        raise TypeError(
            f"Layer {type(self).__name__!r} does not have a `call()` method implemented."
        )

    def _convert_inputs(self, args, kwargs):
        policy, autocast = self.dtype_policy, self._info.autocast
        dtype = policy.compute_dtype

        def convert(x):
            if isinstance(x, (jax.Array, KerasTensor)):
                made = policy.convert_input(x, autocast, dtype)
                if made is not x and masks.get_mask(x) is not None:
                    masks.set_mask(made, masks.get_mask(x))
                return made
            if isinstance(x, (np.ndarray, np.generic)):
                if x.dtype.kind in "OUS":
                    return x
                return (
                    jnp.asarray(x, dtype) if autocast and x.dtype.kind in "fV" else jnp.asarray(x)
                )
            if isinstance(x, Variable):
                return policy.convert_input(x.value, autocast, dtype)
            return (
                policy.convert_input(x, autocast, dtype) if hasattr(x, "todense") else x
            )  # sparse

        return (
            tuple(nested.convert_nested(convert, a, dtype, autocast) for a in args),
            {
                k: map_structure(convert, v) if nested.is_nested_tensor(v) else v
                for k, v in kwargs.items()
            },
        )

    def _check_positional(self, sig, args):
        if not self._info.convert_inputs or getattr(
            self, "_allow_non_tensor_positional_args", False
        ):
            return
        for name, value in zip(sig.positional, args):
            for leaf in flatten(value):
                if isinstance(leaf, (bool, str)) and not signature.is_tensor(leaf):
                    raise UserInputError(
                        "Only input tensors may be passed as positional arguments. The following "
                        f"argument value should be passed as a keyword argument: {name}={leaf!r} "
                        f"(of type {type(leaf).__name__}) in layer '{self.name}'."
                    )

    def _resolve_training(self, sig, given, outer, told, symbolic):
        """What inner calls inherit: own argument, else the outer call's. The signature's default
        counts for this call alone.
        """
        training = given.get("training") if sig.has_training else told
        if training is None and outer is not None:
            training = outer.training
        own = sig.training_default if training is None else training
        if sig.has_training and own is not None and not symbolic:  # a recorded call leaves it open
            given["training"] = own
        return training

    def _fill_masks(self, sig, given):
        """Masks that arrive on the inputs fill `mask` (one input) or `<input>_mask` (several) where
        the caller gave none.
        """
        if not sig.mask_names:
            return
        tensors = {
            name: value
            for name, value in given.items()
            if name not in sig.mask_names and nested.holds_tensor(value)
        }
        for name in sig.mask_names:
            if given.get(name) is not None:
                continue
            source = (
                name[: -len("_mask")]
                if name != "mask"
                else (next(iter(tensors)) if tensors else None)
            )
            if source in tensors and (
                name != "mask" or len(tensors) == 1 or source == next(iter(tensors))
            ):
                mask = map_structure(masks.get_mask, tensors[source])
                if any(m is not None for m in flatten(mask)):
                    given[name] = mask

    def _pass_masks(self, given, outputs):
        first = next(iter(given.values()), None)
        arrived = given.get("mask")
        if arrived is None:
            arrived = (
                map_structure(masks.get_mask, first) if nested.is_nested_tensor(first) else None
            )
        has_mask = any(m is not None for m in flatten(arrived))
        if not self._info.supports_masking and not _overrides(self, "compute_mask"):
            if has_mask:
                warnings.warn(
                    f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input with "
                    "a mask attached to it. However, this layer does not support masking and will "
                    "therefore destroy the mask information. Downstream layers will not see the "
                    "mask.",
                    stacklevel=4,
                )
            return
        out_leaves = flatten(outputs)
        if not (has_mask or _overrides(self, "compute_mask")) or all(
            masks.get_mask(x) is not None for x in out_leaves
        ):
            return
        computed = self.compute_mask(first, arrived)
        for x, mask in zip(out_leaves, nested.mask_leaves(computed, len(out_leaves))):
            if mask is not None and masks.get_mask(x) is None:
                masks.set_mask(x, mask)

    def compute_mask(self, inputs, previous_mask):
        """The mask of the outputs from the inputs and their mask; the same one unless
        overridden.
        """
        return previous_mask

    # -- shapes ----------------------------------------------------------------

    def compute_output_shape(self, *args, **kwargs):
        """Shapes of the outputs from shapes of the inputs, by abstract evaluation unless
        overridden.
        """

        def tensor(shape):
            return KerasTensor(shape, dtype=self.compute_dtype or "float32")

        def tensors(value):
            return (
                tensor(value)
                if nested.is_shape(value)
                else (
                    {k: tensors(v) for k, v in value.items()}
                    if isinstance(value, dict)
                    else type(value)(tensors(v) for v in value)
                    if isinstance(value, (list, tuple))
                    else value
                )
            )

        named = {
            k[: -len("_shape")] if k.endswith("_shape") and k != "input_shape" else k: tensors(v)
            for k, v in kwargs.items()
        }
        given = [tensors(a) for a in args]
        if "input_shape" in named:
            given.append(named.pop("input_shape"))
        return signature.shape_of(Layer.compute_output_spec(self, *given, **named))

    def compute_output_spec(self, *args, **kwargs):
        """KerasTensors that the outputs would be, computing nothing."""
        if _overrides(self, "compute_output_shape"):
            shapes = self._shapes_by_signature(args, kwargs)
            dtype = self.compute_dtype
            return nested.map_shapes(lambda shape: KerasTensor(shape, dtype=dtype), shapes)
        return self._evaluate_shapes(args, kwargs)

    def _shapes_by_signature(self, args, kwargs):
        given = signature.of(self).bind(args, kwargs, self.name)
        shapes = {
            name: signature.shape_of(value)
            for name, value in given.items()
            if nested.holds_tensor(value)
        }
        parameters = signature.parameter_names(type(self).compute_output_shape)
        by_name = {f"{n}_shape": s for n, s in shapes.items() if f"{n}_shape" in parameters}
        if len(parameters) > 1 and by_name:
            return self.compute_output_shape(**by_name)
        return self.compute_output_shape(next(iter(shapes.values()), None))

    def _evaluate_shapes(self, args, kwargs):
        cast = (
            self.compute_dtype
            if self._info.autocast and self.compute_dtype != self.variable_dtype
            else None
        )
        outer = contexts.current()

        def run(*args, **kwargs):
            context = contexts.CallContext(self, losses=[])
            context.training = outer.training if outer is not None else None
            with contexts.opened(context), lending.autocast(cast):
                return lending.call_abstractly(self.call, *args, **kwargs)

        return evaluate(run, *args, **kwargs)

    # -- losses ----------------------------------------------------------------

    def add_loss(self, loss):
        """Adds a scalar (or several) to the loss of the model; for use inside `call`."""
        for value in flatten(loss):
            value = value() if callable(value) and not signature.is_tensor(value) else value
            if jnp.ndim(value) != 0:
                raise UserInputError(
                    f"`add_loss()` in layer '{self.name}' can only be called with scalars. "
                    f"Received shape {jnp.shape(value)}: reduce it first, for example with "
                    "`fkeras.ops.mean`."
                )
            context = contexts.current()
            if context is not None and context.losses is not None:
                context.losses.append((self, value))
            else:
                self._info.losses.append(value)

    @property
    def losses(self):
        """One scalar for each `add_loss` of the last call, each activity regularizer and each
        weight regularizer.
        """
        context = contexts.current()
        family = [self, *(layer for _, layer in self._structure().layers)]
        if context is not None and context.losses is not None:
            members = {id(layer) for layer in family}
            found = [value for layer, value in context.losses if id(layer) in members]
        else:
            found = [value for layer in family for value in layer._info.losses]
        return [*found, *self._get_regularization_losses()]

    def _get_regularization_losses(self):
        return [
            v.regularizer(v.value)
            for v in self.trainable_weights
            if getattr(v, "regularizer", None) is not None
        ]

    # -- config ----------------------------------------------------------------

    def get_config(self):
        """The constructor's arguments as plain values, from its signature and the attributes of the
        same names.

        Override it where an argument is not kept under its own name.
        """
        arguments = constructor.bind_arguments(type(self), *self._info.arguments)
        found = constructor.config_from_signature(self, arguments)
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policy.serialize(self._info.dtype_policy),
        }
        for name in ("autocast", "weights"):
            found.pop(name, None)
        if found.get("activity_regularizer") is None:
            found.pop("activity_regularizer", None)
        for name, value in found.items():
            if name not in config:
                config[name] = serialize_argument(name, value)
        return config

    @classmethod
    def from_config(cls, config):
        """A layer from what `get_config` returned."""
        if isinstance(config.get("dtype"), dict):
            policy = dtype_policy.get(config["dtype"])
            plain = (
                not isinstance(policy, dtype_policy.DTypePolicyMap)
                and policy.quantization_mode is None
            )
            config = {**config, "dtype": policy.name if plain else policy}
        config = {
            k: serialization.deserialize_keras_object(v) if _holds_config(v) else v
            for k, v in config.items()
        }
        try:
            return cls(**config)
        except TypeError as error:
            raise UserTypeError(
                f"Error when deserializing class '{cls.__name__}' using "
                f"config={config}.\n\nException encountered: "
                f"{error}"
            ) from error

    # -- files -----------------------------------------------------------------

    def save_own_variables(self, store):
        """Puts the values of the layer's own Variables into a dict-like store under '0', '1',
        ...
        """
        for i, variable in enumerate(self._own_variables()):
            store[str(i)] = variable

    def load_own_variables(self, store):
        """Takes the values of the layer's own Variables from a dict-like store."""
        own = self._own_variables()
        if len(store.keys()) != len(own):
            if not self.built and own == []:
                raise NotBuiltError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. "
                    f"However the weights file lists {len(store.keys())} variables for this layer. "
                    "Build it first, for example by calling it."
                )
            raise UserInputError(
                f"Layer '{self.name}' expected {len(own)} variables, but received "
                f"{len(store.keys())} variables during loading. Expected: {[v.name for v in own]}"
            )
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])

    def _own_variables(self):
        own = [
            c
            for _, c in tracking.direct_children(self)
            if isinstance(c, Variable) and c._info.kind == "weight"
        ]
        return [v for v in own if isinstance(v, nnx.Param)] + [
            v for v in own if not isinstance(v, nnx.Param)
        ]

    # -- the pure face ---------------------------------------------------------

    def init(self, key, *inputs, **named_inputs):
        """The layer's variables as a pure function of a key: traceable, also under `vmap` over
        keys.

        The object gets its Variables (shapes only) and keeps its own values, if it has any. A later
        `init` with other input shapes must fit the weights that are there; shapes that do not are
        an error, since one object has one set of shapes.

        Args:
            key: a JAX PRNG key.
            *inputs: arrays, `ShapeDtypeStruct`s, KerasTensors or plain shapes such as `(2, 3)`, in
                the order of `call`.

        Returns:
            `{"params": {...}, "state": {...}}`: nested dicts of arrays by readable names. `params`
            are the weights made to be trained, `state` is the rest (moving means and the like).

        Raises:
            UserInputError: the inputs do not fit.

        Examples:
            >>> import fkeras, jax
            >>> jax.tree.map(lambda a: a.shape, fkeras.layers.Dense(4).init(jax.random.key(0), (2, 3)))
            {'params': {'bias': (4,), 'kernel': (3, 4)}, 'state': {}}
        """
        return pure.init(self, key, inputs, named_inputs)

    def apply(
        self, variables, *inputs, training=None, rngs=None, return_losses=False, **named_inputs
    ):
        """The layer's computation as a pure function of `variables`: nothing on the object changes.

        Works under `jit`, `grad`, `vmap`, `scan`, `checkpoint`, `shard_map`, in any nesting.

        Args:
            variables: what `init` returned, or the same structure with other arrays.
            *inputs: arguments of `call`.
            training: None for the layer's default (inference).
            rngs: a JAX key (or a dict with one), needed where the call draws random numbers.
            return_losses: also return the list of `add_loss` and regularization values.

        Returns:
            `(outputs, new_state)`, where `new_state` replaces `variables["state"]`; with
            `return_losses`, `(outputs, new_state, losses)`.

        Raises:
            UserInputError: variables are missing, too many or of the wrong shape (all are named).
            PureCallError: the call reads a trainable variable that it was not given, or writes
                state where it cannot come out.

        Examples:
            >>> import fkeras, jax, jax.numpy as jnp
            >>> layer = fkeras.layers.Dense(2, use_bias=False)
            >>> variables = {"params": {"kernel": jnp.ones((3, 2))}, "state": {}}
            >>> layer.apply(variables, jnp.ones((1, 3)))[0].tolist()
            [[3.0, 3.0]]
        """
        return pure.apply(
            self,
            variables,
            inputs,
            named_inputs,
            training=training,
            rngs=rngs,
            return_losses=return_losses,
        )

    @property
    def build_key(self):
        """The key that the facade drew this object's weights from: `init(build_key, x)` gives the
        same, bit for bit.
        """
        if self._info.root_key is None:
            self._info.root_key = seeds.next_root_key()
        return self._info.root_key.key

    def stateless_call(
        self, trainable_variables, non_trainable_variables, *args, return_losses=False, **kwargs
    ):
        """Keras's pure form of a call, on lists of values in the order of `trainable_variables` and
        `non_trainable_variables`.

        Returns:
            `(outputs, new_non_trainable_variables)`, with `return_losses` also the list of losses.
        """
        return pure.stateless_call(
            self, trainable_variables, non_trainable_variables, args, kwargs, return_losses
        )

    # -- odds and ends ---------------------------------------------------------

    def __setattr__(self, name, value):
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

    def _check_valid_context(self, *args, **kwargs):
        """NNX's check is off: a sub-layer may be built inside somebody's trace. Values have their
        own check.
        """

    def __deepcopy__(self, memo):
        if lending.in_pure_call():
            raise PureCallError(
                f"copy.deepcopy of layer '{self.name}' inside a pure call would copy lent values. "
                "Copy outside of it."
            )
        made = object.__new__(type(self))
        memo[id(self)] = made
        made.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return made

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    __str__ = __repr__


Operation.register(Layer)
_PROPERTIES = frozenset(n for n in dir(Layer) if isinstance(getattr(Layer, n, None), property))


def _is_baked(layer, value) -> bool:
    """Whether an attribute is set on a built layer while a program is traced through its call."""
    context = contexts.current()
    if (
        context is None
        or not layer._info.built
        or layer._info.building
        or not jax_private.is_below_staging(jax_private.current_trace())
    ):
        return False
    return (
        not isinstance(value, (nnx.Module, nnx.Variable))
        and not lending.in_abstract_call()
        and isinstance(value, (int, float, jax.core.Tracer, np.ndarray))
    )


class _Size:
    def __init__(self, shape):
        self.count = int(np.prod([d or 1 for d in shape], dtype=np.int64))


def _as_symbolic(x):
    return (
        KerasTensor(x.shape, dtype=str(x.dtype))
        if hasattr(x, "shape") and hasattr(x, "dtype")
        else x
    )


def _overrides(layer, method) -> bool:
    return getattr(type(layer), method) is not getattr(Layer, method)


def _holds_config(value) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_config(v) for v in value)
    return isinstance(value, dict) and "class_name" in value and "config" in value


def _batch_input_shape(kwargs):
    """Older Keras's ways of naming the input's shape on the first layer."""
    batch_size = kwargs.pop("batch_size", None)
    if "input_shape" in kwargs:
        shape = kwargs.pop("input_shape")
        return (batch_size, *((shape,) if isinstance(shape, (int, np.integer)) else shape))
    if "input_dim" in kwargs:
        dim, length = kwargs.pop("input_dim"), kwargs.pop("input_length", None)
        return (batch_size, dim) if length is None else (batch_size, length, dim)
    if "batch_input_shape" in kwargs:
        return tuple(kwargs.pop("batch_input_shape"))
    kwargs.pop("input_length", None)
    return None
