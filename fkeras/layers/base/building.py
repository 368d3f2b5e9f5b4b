"""`Building`: how a layer gets its weights, and where their first values come from."""

from __future__ import annotations

import contextlib
import copy
import functools
from typing import TYPE_CHECKING, Any

from fkeras import constraints as constraints_module
from fkeras import initializers as initializers_module
from fkeras import regularizers as regularizers_module
from fkeras.core import dtype_policy, names, tracebacks, user_code
from fkeras.core.name_first import name_may_come_first
from fkeras.core.randomness import first_values, process_generator
from fkeras.core.values import lending, stacking, stand_ins
from fkeras.core.values.variable import Variable, on_creation
from fkeras.core.values.variable_info import info_of
from fkeras.errors import PureCallError, UserInputError
from fkeras.layers.base import nested, signature, tracking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fkeras.layers.base.context import CallContext
    from fkeras.layers.base.layer import Layer
    from fkeras.types import Config, DTypeLike, Identifier, Nested, Shape, ShapeLike


# What `add_weight` took by position in Keras 2.
_name_may_come_first = name_may_come_first(
    ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")
)


class Building:
    """Making weights, and running `build` with the shapes that its signature asks for."""

    @tracebacks.filtered
    @_name_may_come_first
    def add_weight(
        self,
        shape: ShapeLike | None = None,
        initializer: Identifier | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Identifier | None = None,
        constraint: Identifier | None = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
        layout: Any = None,
    ) -> Variable:
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
            layout: how its value is cut over devices (`fkeras.distribution.TensorLayout`); None for
                as the distribution says.

        Returns:
            The Variable.

        Raises:
            UserInputError: it is called inside `call` of a built layer, or the shape is not known.
        """
        self._check_ready()
        self._refuse_new_state("weight", name)
        dtype = self.variable_dtype if dtype is None else dtype
        if initializer is None:
            initializer = "glorot_uniform" if dtype_policy.is_float(dtype) else "zeros"
        # Outside of `build` nobody else has opened the layer's name scope.
        info = self._info
        scope = contextlib.nullcontext() if info.building else names.scope(info.name)
        with scope:
            variable = Variable(
                initializers_module.get(initializer),
                shape=() if shape is None else shape,
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

    @_name_may_come_first
    def add_variable(
        self,
        shape: ShapeLike,
        initializer: Identifier,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Identifier | None = None,
        constraint: Identifier | None = None,
        name: str | None = None,
    ) -> Variable:
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

    def _refuse_new_state(self, kind: str, name: str | None) -> None:
        """A call may not make state: it would be new at each call, or never trained."""
        info = self._info
        if info.call_depth and info.built and not info.building:
            raise UserInputError(
                f"Layer '{self.name}': you cannot add new elements of state (variables or "
                f"sub-layers) to a layer that is already built. `call` makes the {kind} "
                f"{name or ''}: make it in `__init__()` or in `build()`."
            )

    def build(self, input_shape: Nested[Shape] | None = None, **shapes: Nested[Shape]) -> None:
        """Makes the layer's weights from the shape of its inputs. Override it; the default has none
        to make.
        """
        self._info.built = True

    def _needs_no_build(self) -> bool:
        return type(self).build is Building.build

    def _build_if_needed(
        self, arguments: dict[str, Any], outer: CallContext | None, symbolic: bool
    ) -> None:
        """Builds the layer at its first call; a root that computes gets its key then."""
        if not self._info.built:
            self._run_build(arguments)
            if outer is None and not symbolic and self._info.root_key is None:
                self._info.root_key = process_generator.next_root_key()

    def _run_build(self, arguments: dict[str, Any]) -> None:
        """Runs `build` with the shapes of a call's arguments."""
        args, kwargs = self._build_arguments(arguments)
        self._info.path = names.current_path() or self._info.name
        try:
            with open_name_scope(self):
                self.build(*args, **kwargs)
        except Exception as error:
            shapes = signature.parameter_names(type(self).build)
            received = {**dict(zip(shapes, args)), **kwargs}
            user_code.raise_explained(
                error, lambda: signature.describe_call(self, "build"), received
            )
        self._info.built = True

    def _build_arguments(self, arguments: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What `build` is called with: the shape of the first argument, or shapes by name where its
        signature asks for them.
        """
        shapes = {
            name: signature.shape_of(value)
            for name, value in arguments.items()
            if nested.holds_tensor(value)
        }
        first = next(iter(shapes.values()), None)
        parameters = signature.parameter_names(type(self).build)
        if self._needs_no_build() or not parameters:
            return (first,), {}
        if len(parameters) == 1:
            takes_any = len(shapes) <= 1 or not parameters[0].endswith("_shape")
            if takes_any or parameters[0] in ("input_shape", "inputs_shape"):
                return (first,), {}
        named = {f"{name}_shape": shape for name, shape in shapes.items()}
        wanted = {name: shape for name, shape in named.items() if name in parameters}
        return ((), wanted) if wanted else ((first,), {})

    def get_build_config(self) -> Config | None:
        """The shapes that the layer was built with, for `build_from_config`; None where it was
        not.
        """
        shapes = self._info.build_shapes
        if shapes is None or set(shapes) == {"input_shape"}:
            return shapes if shapes is None else dict(shapes)
        return {"shapes_dict": shapes}

    def build_from_config(self, config: Config | None) -> None:
        """Builds the layer from what `get_build_config` returned."""
        if not config:
            return
        shapes = config.get("shapes_dict")
        if shapes is not None:
            self.build(**{name: nested.as_shape(shape) for name, shape in shapes.items()})
        elif config.get("input_shape") is not None:
            self.build(nested.as_shape(config["input_shape"]))
        self._info.built = True


@contextlib.contextmanager
def adding_weights(layer: Layer) -> Iterator[None]:
    """Inside, a layer that is built already gets further weights, under its own name."""
    info = layer._info
    was_building, info.building = info.building, True  # the scope below is the layer's
    outer = (info.path or info.name).rpartition("/")[0]
    scope = contextlib.nullcontext() if was_building else names.scope(info.name, parent=outer)
    try:
        with scope, lending.autocast(None):
            yield
    finally:
        info.building = was_building


def refuse_to_be_forgotten(layer: Layer, *owners: Layer) -> None:
    """Raises for a layer with weights that was made in a call and that nothing holds: it would be a
    new one at each call, and never trained.

    Args:
        layer: the layer.
        *owners: layers that may hold it: the one whose `call` calls it first.
    """
    has_weights = bool(layer.weights or layer._layers)  # those below are not built yet
    known = (inner for owner in owners for _, inner in tracking.structure_of(owner).layers)
    if has_weights and not any(inner is layer for inner in known):
        raise PureCallError(
            f"{type(layer).__name__} '{layer.name}' is made inside the `call` of "
            f"{type(owners[0]).__name__} '{owners[0].name}' and is not kept: it would have new "
            "weights at each call, which are never trained. Make it in `__init__` or `build`, as "
            f"an attribute: `self.{layer.name} = {type(layer).__name__}(...)`."
        )


@contextlib.contextmanager
def open_name_scope(layer: Layer) -> Iterator[None]:
    """Inside, `layer.build` takes the name scope as opened by its caller."""
    layer._info.name_scope_is_open = True
    try:
        yield
    finally:
        layer._info.name_scope_is_open = False


def recorded(build: Callable[..., None]) -> Callable[..., None]:
    """`build` as everybody may call it: in the layer's name scope, with its shapes remembered and
    weights that no attribute holds kept.
    """

    @tracebacks.filtered
    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        info = self._info
        if info.building:  # super().build()
            build(self, *args, **kwargs)
            return
        created: list[Variable] = []
        info.building = True
        is_open = info.name_scope_is_open
        name_scope = contextlib.nullcontext() if is_open else names.scope(info.name)
        try:
            # Weights are made in their own dtype: autocast is of the call around.
            with name_scope, on_creation(created.append), lending.autocast(None):
                info.path = names.current_path() or info.name
                build(self, *args, **kwargs)
        finally:
            info.building = False
        info.built = True
        info.build_shapes = _shapes_by_name(build, args, kwargs)
        _keep_unnamed_weights(self, created)
        if info.initial_weights is not None:
            weights, info.initial_weights = info.initial_weights, None
            self.set_weights(weights)

    return wrapper


def _keep_unnamed_weights(layer: Layer, created: list[Variable]) -> None:
    """Weights that `build` made without an attribute for them belong to the layer all the same."""
    reachable = {id(variable) for _, variable in layer._structure().variables}
    unnamed = [v for v in created if id(v) not in reachable and v._meta.kind == "weight"]
    if unnamed:
        layer.unnamed_weights = [*getattr(layer, "unnamed_weights", ()), *unnamed]


def _shapes_by_name(
    build: Callable[..., None], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """What `build` was called with; a single shape goes by `input_shape`, whatever its name."""
    parameters = signature.parameter_names(build)
    shapes = {**dict(zip(parameters, args)), **kwargs}
    if len(parameters) <= 1:
        return {"input_shape": next(iter(shapes.values()), None)}
    return shapes


@contextlib.contextmanager
def undone_on_error(root: Layer) -> Iterator[None]:
    """Where an error leaves the block, the layer and those below it are as they were before it: no
    half of the weights, nothing built for inputs that did not fit.
    """
    put_back = _remembered(root)
    try:
        yield
    except BaseException:
        put_back()
        raise


@contextlib.contextmanager
def undone(root: Layer) -> Iterator[None]:
    """Behind the block, the layer and those below it are as they were before it."""
    put_back = _remembered(root)
    try:
        yield
    finally:
        put_back()


def _remembered(root: Layer) -> Callable[[], None]:
    """A function that puts a layer and those below it back as they are now."""
    owners = [owner for layer in root._flatten_layers() for owner in (layer, layer._info)]
    attributes = [(vars(owner), dict(vars(owner))) for owner in owners]
    contents = [
        (value, copy.copy(value))
        for _, saved in attributes
        for value in saved.values()
        if type(value) in (list, dict)
    ]

    def put_back() -> None:
        for present, saved in (*attributes, *((v, c) for v, c in contents if type(v) is dict)):
            present.clear()
            present.update(saved)
        for value, content in contents:
            if type(value) is list:
                value[:] = content

    return put_back


def root_of_draws(root: Layer) -> contextlib.AbstractContextManager:
    """Context manager: weights that need a first value are drawn as parts of `root` inside."""
    return first_values.placing(lambda: place(root))


def place(root: Layer) -> None:
    """Gives every weight under `root` that has no value yet its origin: the root's key and the
    weight's path.
    """
    info = root._info
    if info.root_key is None:
        info.root_key = process_generator.next_root_key()
    for path, variable in root._structure().variables:
        blocks = info_of(variable).blocks
        if len(blocks) > stacking.depth_of(path):
            continue  # the root is part of a block that others repeat: it places nothing
        if isinstance(stand_ins.private_value(variable), stand_ins.NotDrawnYet):
            paths = ["/".join(p) for p in stacking.paths_of_blocks(path)]
            info_of(variable).origin.place(info.root_key, paths if blocks else paths[0])
