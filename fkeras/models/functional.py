"""Models made from symbolic graphs: `Model(inputs, outputs)`, and the bare `Function`."""

import warnings

import jax
import jax.numpy as jnp

from fkeras.core.config import scopes, serialization
from fkeras.core.nested import flatten, map_structure
from fkeras.core.symbolic.graph import Graph, TensorRef
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.node import Node
from fkeras.core.symbolic.operation import Operation
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.base import building, nested, signature, tracking
from fkeras.layers.base import layer as base
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.core.input_layer import InputLayer
from fkeras.models.model import Model


class Function(Operation):
    """A recorded graph as a function: no weights of its own, no training.

    Args:
        inputs, outputs: KerasTensors, or structures of them.
        name: optional.

    Examples:
        >>> import fkeras
        >>> x = fkeras.KerasTensor((2,))
        >>> fn = fkeras.Function(x, fkeras.ops.add(x, 1))
        >>> fn(fkeras.ops.ones((2,))).tolist()
        [2.0, 2.0]
    """

    def __init__(self, inputs, outputs, name=None):
        super().__init__(name=name)
        self._inputs_struct, self._outputs_struct = inputs, outputs
        _give_history(flatten(inputs))
        self._graph = Graph(flatten(inputs), flatten(outputs), self.name)

    inputs = property(lambda self: flatten(self._inputs_struct))
    outputs = property(lambda self: flatten(self._outputs_struct))
    operations = property(lambda self: list(self._graph.operations))

    def call(self, inputs):
        return pack_like(
            self._outputs_struct,
            self._graph.replay(flatten_like(self._inputs_struct, inputs, self.name)),
        )

    def compute_output_spec(self, inputs):
        return pack_like(
            self._outputs_struct,
            self._graph.replay(
                flatten_like(self._inputs_struct, inputs, self.name), call=lambda op: _spec_of(op)
            ),
        )

    def compute_output_shape(self, input_shape):
        tensors = nested.map_shapes(KerasTensor, input_shape)
        return signature.shape_of(self.compute_output_spec(tensors))


def _give_history(tensors):
    """A bare KerasTensor may start a graph too: it gets an InputLayer behind it."""
    for tensor in tensors:
        if isinstance(tensor, KerasTensor) and tensor._keras_history is None:
            InputLayer(input_tensor=tensor, name=None)


def _spec_of(operation):
    """What stands for an operation when only shapes are asked for, recording nothing."""
    if isinstance(operation, (base.Layer, Operation)):
        return operation.compute_output_spec
    return operation.fn.compute_output_spec


class _Symbols:
    """The KerasTensors of a functional model, in their structures. They do not travel in copies;
    they are made again.
    """

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs

    def __getstate__(self):
        strip = lambda t: map_structure(lambda x: (tuple(x.shape), x.dtype, x.name), t)
        return {"inputs": strip(self.inputs), "outputs": strip(self.outputs)}


class Functional(Model):
    """A model from a graph of layers between `inputs` and `outputs`; made by
    `Model(inputs, outputs)`.

    Args:
        inputs, outputs: KerasTensors, or lists, tuples or dicts of them.
        name: None for an automatic name.
    """

    _manages_masks = True

    def __init__(self, inputs, outputs, name=None, **kwargs):
        trainable = kwargs.pop("trainable", None)
        Model.__init__(self, name=name, **kwargs)
        self._info.convert_inputs = False  # inputs take the dtype that their Input declares
        if not flatten(inputs):
            raise UserInputError("`Model(inputs, outputs)` needs at least one input.")
        self._check_inputs(inputs)
        _give_history(flatten(inputs))
        self._assemble(inputs, outputs)
        if trainable is not None:
            self.trainable = trainable

    def _check_inputs(self, inputs):
        for x in flatten(inputs):
            if not isinstance(x, KerasTensor):
                raise UserInputError(
                    f"All `inputs` values must be KerasTensors. Received: inputs={inputs!r} "
                    f"including invalid value {x!r} of type {type(x)}"
                )
        if len({id(x) for x in flatten(inputs)}) != len(flatten(inputs)):
            raise UserInputError("`inputs` argument cannot contain duplicate entries.")

    def _assemble(self, inputs, outputs):
        graph = Graph(flatten(inputs), flatten(outputs), self.name)
        members = [op for op in graph.operations if isinstance(op, base.Layer)]
        cut_in = [x for x in flatten(inputs) if not getattr(x._keras_history[0], "is_input", False)]
        if cut_in:
            # An input in the middle of a graph: it gets an InputLayer of its own.
            members = [
                InputLayer(
                    batch_shape=x.shape, dtype=x.dtype, name=f"{x._keras_history[0].name}_input"
                )
                for x in cut_in
            ] + members
        self._check_names(members)
        self.members = members
        where = {id(m): i for i, m in enumerate(members)}
        self._member_of = tuple(where.get(id(op)) for op in graph.operations)
        self._plan = graph.without_operations(lambda op: id(op) in where)
        self._symbols = _Symbols(inputs, outputs)
        self._info.built = True
        building.place(self)

    def _check_names(self, members):
        names = [m.name for m in members]
        for name in names:
            if names.count(name) > 1:
                who = ", ".join(f"{m!r}" for m in members if m.name == name)
                raise UserInputError(
                    f'The name "{name}" is used {names.count(name)} times in the model. All '
                    f"operation names should be "
                    f"unique. Give one of them another `name=`: {who}"
                )

    def _members(self):
        return tracking.member_names(self.members)

    # -- tensors ---------------------------------------------------------------

    @property
    def inputs(self):
        """The input KerasTensors as a flat list."""
        return flatten(self._symbols.inputs)

    @property
    def outputs(self):
        """The output KerasTensors as a flat list."""
        return flatten(self._symbols.outputs)

    _inputs_struct = property(lambda self: self._symbols.inputs)
    _outputs_struct = property(lambda self: self._symbols.outputs)
    input = property(
        lambda self: self._symbols.inputs,
        doc="The input KerasTensors in the structure they were given in.",
    )
    output = property(
        lambda self: self._symbols.outputs,
        doc="The output KerasTensors in the structure they were given in.",
    )

    @property
    def input_shape(self):
        return signature.shape_of(self._symbols.inputs)

    @property
    def output_shape(self):
        return signature.shape_of(self._symbols.outputs)

    @property
    def input_names(self):
        return [x._keras_history[0].name if x._keras_history else x.name for x in self.inputs]

    @property
    def output_names(self):
        return [x._keras_history[0].name for x in self.outputs]

    @property
    def operations(self):
        """Layers and functions in the order of the graph."""
        return self._operations()

    def _fed_layers(self):
        members, inputs = self._operations(), len(self._plan.input_slots)
        slots = [
            (members[step.operation], getattr(step.args[0], "index", None))
            for step in self._plan.steps
            if step.args
        ]
        return [(layer, slot) for layer, slot in slots if isinstance(slot, int) and slot < inputs]

    def _operations(self):
        members, functions = self.members, self._plan.operations
        return [functions[i] if m is None else members[m] for i, m in enumerate(self._member_of)]

    @property
    def layers(self):
        return list(self.members)

    @layers.setter
    def layers(self, value):
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. Please use another name."
        )

    @property
    def input_spec(self):
        """What the inputs must look like; set it to replace the derived one."""
        if self._info.input_spec is not None:
            return self._info.input_spec
        tensors = self._symbols.inputs
        named = isinstance(tensors, dict)

        def spec(x, name):
            optional = bool(x._keras_history and getattr(x._keras_history[0], "optional", False))
            return InputSpec(
                shape=(None, *x.shape[1:]) if x.shape else (),
                allow_last_axis_squeeze=True,
                name=name,
                optional=optional,
            )

        if named:
            return [spec(tensors[k], k) for k in sorted(tensors)]
        return [spec(x, None) for x in flatten(tensors)]

    @input_spec.setter
    def input_spec(self, value):
        self._info.input_spec = value

    # -- calling ---------------------------------------------------------------

    def call(self, inputs, training=None, mask=None):
        tensors = self._standardize(inputs)
        if mask is not None:
            for x, m in zip(tensors, flatten(mask)):
                masks.set_mask(x, m)
        return pack_like(self._symbols.outputs, self._plan.replay(tensors, self._operations()))

    def compute_output_spec(self, inputs, training=None, mask=None):
        tensors = flatten_like(self._symbols.inputs, inputs, self.name)
        return pack_like(
            self._symbols.outputs, self._plan.replay(tensors, self._operations(), call=_spec_of)
        )

    def compute_output_shape(self, input_shape):
        tensors = nested.map_shapes(KerasTensor, nested.as_shape(input_shape))
        return signature.shape_of(self.compute_output_spec(tensors))

    def _standardize(self, inputs):
        """Input arrays in the order of the graph, a missing or extra last axis of size 1 put right,
        dtypes as declared.
        """
        tensors = flatten_like(self._symbols.inputs, inputs, self.name)
        return [self._adjust(x, wanted) for x, wanted in zip(tensors, self.inputs)]

    def _adjust(self, x, wanted):
        if x is None:
            if not getattr(wanted._keras_history[0], "optional", False):
                raise UserInputError(
                    f"The input '{wanted.name}' of model '{self.name}' is not optional, but None "
                    "was passed for it."
                )
            return None
        shape, rank = tuple(x.shape), len(wanted.shape)
        if len(shape) == rank - 1 and wanted.shape[-1] == 1:
            x = _keep_mask(x, x[..., None])
        elif len(shape) == rank + 1 and shape[-1] == 1:
            x = _keep_mask(x, x[..., 0])
        elif len(shape) != rank or any(
            w is not None and s is not None and w != s for w, s in zip(wanted.shape[1:], shape[1:])
        ):
            hint = (
                f" x is 1-D; do you mean `x.reshape(-1, {wanted.shape[-1]})`?"
                if len(shape) == 1 and rank == 2
                else ""
            )
            raise UserInputError(
                f"Invalid input shape for input '{wanted.name}' of model '{self.name}': expected "
                f"shape={tuple(wanted.shape)}, found shape={shape}.{hint}"
            )
        if isinstance(x, KerasTensor):
            return x
        if wanted.dtype == "string":
            return x
        if not isinstance(x, jax.Array) or str(x.dtype) != wanted.dtype:
            x = _keep_mask(x, jnp.asarray(x, jax.dtypes.canonicalize_dtype(wanted.dtype)))
        return x

    # -- config ----------------------------------------------------------------

    def get_config(self):
        """Layers, and who was called on what: enough to make the model again. A subclass with a
        constructor of its own gives its arguments instead."""
        if not self._is_plain():
            return base.Layer.get_config(self)
        config = {"name": self.name, "trainable": self.trainable}
        operations = self._operations()
        calls: list[list] = [[] for _ in operations]
        origin: dict[int, list] = {}
        for i, tensor_slot in enumerate(self._plan.input_slots):
            origin[tensor_slot] = [self.input_names_of_slots()[i], 0, 0]
        counts = [0] * len(operations)
        for step in self._plan.steps:
            operation = operations[step.operation]
            describe = lambda x: _Origin(origin[x.index]) if isinstance(x, TensorRef) else x
            calls[step.operation].append(
                {
                    "args": _described(map_structure(describe, list(step.args))),
                    "kwargs": _described(map_structure(describe, dict(step.kwargs))),
                }
            )
            for position, slot in enumerate(step.outputs):
                if slot is not None:
                    origin[slot] = [operation.name, counts[step.operation], position]
            counts[step.operation] += 1
        layers = []
        with scopes.ObjectSharingScope():
            cut = [m for m in self.members if id(m) not in {id(op) for op in operations}]
            for operation, called in [*((m, []) for m in cut), *zip(operations, calls)]:
                if isinstance(operation, (base.Layer, Operation)):
                    entry = serialization.serialize_keras_object(operation)
                else:
                    entry = {
                        "module": "keras.ops",
                        "class_name": "function",
                        "config": operation.fn.__name__,
                        "registered_name": None,
                    }
                layers.append({**entry, "name": operation.name, "inbound_nodes": called})
        at = lambda slots, struct: _pack_histories(struct, [origin[s] for s in slots])
        return {
            **config,
            "layers": layers,
            "input_layers": at(self._plan.input_slots, self._symbols.inputs),
            "output_layers": at(self._plan.output_slots, self._symbols.outputs),
        }

    def input_names_of_slots(self):
        return (
            self.input_names
            if all(getattr(x._keras_history[0], "is_input", False) for x in self.inputs)
            else [m.name for m in self.members if getattr(m, "is_input", False)]
        )

    def _is_plain(self):
        return (
            type(self).__init__ is Functional.__init__
            or type(self) is Functional
            or ("__init__" not in type(self).__dict__)
        )

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if "layers" not in config or "output_layers" not in config:
            return super().from_config(config)
        with scopes.custom_object_scope(custom_objects or {}), scopes.ObjectSharingScope():
            inputs, outputs = revive(config)
        kind = Model if cls is Functional else cls
        made = kind(inputs=inputs, outputs=outputs, name=config.get("name"))
        if not config.get("trainable", True):
            made.trainable = False
        return made

    # -- copies ----------------------------------------------------------------

    def __setstate__(self, state):
        vars(self).update(state)
        self._remake_symbols()

    def _remake_symbols(self):
        """New KerasTensors for a copy: its input layers' nodes are made again and the plan is
        replayed on them.
        """
        held = self._symbols
        inputs = [m for m in self.members if getattr(m, "is_input", False)]
        by_name = {m.name: m for m in inputs}
        tensors = []
        for (shape, dtype, name), fallback in zip(_stripped(held.inputs), inputs):
            layer = by_name.get(name, fallback)
            tensor = KerasTensor(shape, dtype=dtype, name=name)
            Node(layer, (), {}, tensor)
            tensors.append(tensor)
        outputs = self._plan.replay(tensors, self._operations())
        self._symbols = _Symbols(_refill(held.inputs, tensors), _refill(held.outputs, outputs))


class _Origin:
    def __init__(self, history):
        self.history = history


def _described(value):
    """Arguments of a call as plain values, tensors by where they come from."""
    if isinstance(value, _Origin):
        return {"class_name": "__keras_tensor__", "config": {"keras_history": value.history}}
    if isinstance(value, dict):
        return {k: _described(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_described(v) for v in value]
    if isinstance(value, tuple):
        return {"class_name": "__tuple__", "config": {"value": [_described(v) for v in value]}}
    return serialization.serialize_keras_object(value)


def _pack_histories(struct, histories):
    if isinstance(struct, KerasTensor):
        return histories[0]
    rest = iter(histories)
    if isinstance(struct, dict):
        order = {k: next(rest) for k in sorted(struct)}
        return {k: order[k] for k in struct}
    return map_structure(lambda _: next(rest), struct)


def revive(config):
    """(inputs, outputs) of a functional config: layers are made, then called in an order in which
    their inputs exist.
    """
    made, calls, tensors = {}, [], {}
    for entry in config["layers"]:
        name = entry.get("name") or entry["config"].get("name")
        made[name] = serialization.deserialize_keras_object(
            {k: v for k, v in entry.items() if k not in ("name", "inbound_nodes")}
        )
        if getattr(made[name], "is_input", False):
            tensors[name, 0, 0] = made[name].output
        calls += [
            (name, i, _normalised(node))
            for i, node in enumerate(entry.get("inbound_nodes") or [])
            if not getattr(made[name], "is_input", False)
        ]
    waiting = calls
    while waiting:
        later = []
        for name, index, node in waiting:
            if any(h not in tensors for h in _histories(node)):
                later.append((name, index, node))
                continue
            args = _filled(node["args"], tensors)
            kwargs = _filled(node["kwargs"], tensors)
            outputs = made[name](*args, **kwargs)
            for position, tensor in enumerate(flatten(outputs)):
                tensors[name, index, position] = tensor
                if (
                    tensor._keras_history[0] is not made[name]
                ):  # a function: its operation takes the name it had
                    tensor._keras_history[0].name = name
        if len(later) == len(waiting):
            raise UserInputError(
                f"The config of model '{config.get('name')}' is not a graph: the calls of "
                f"{sorted({n for n, _, _ in later})} wait for tensors that nothing makes."
            )
        waiting = later
    pick = lambda where: _picked(where, tensors)
    return pick(config["input_layers"]), pick(config["output_layers"])


def _normalised(node):
    """A call as {'args', 'kwargs'}; older files list [name, node, tensor, kwargs] instead."""
    if isinstance(node, dict):
        return {"args": node.get("args", []), "kwargs": node.get("kwargs", {})}
    entries = node if isinstance(node[0], list) else [node]
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": list(e[:3])}}
        for e in entries
    ]
    kwargs = entries[0][3] if len(entries[0]) > 3 else {}
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": kwargs}


def _is_tensor_config(value):
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _histories(value):
    if _is_tensor_config(value):
        return [tuple(value["config"]["keras_history"])]
    if isinstance(value, dict):
        return [h for v in value.values() for h in _histories(v)]
    return [h for v in value for h in _histories(v)] if isinstance(value, (list, tuple)) else []


def _filled(value, tensors):
    if _is_tensor_config(value):
        return tensors[tuple(value["config"]["keras_history"])]
    if isinstance(value, dict):
        if value.get("class_name") == "__tuple__":
            return tuple(_filled(v, tensors) for v in value["config"]["value"])
        if "class_name" in value and "config" in value:
            return serialization.deserialize_keras_object(value)
        return {k: _filled(v, tensors) for k, v in value.items()}
    return [_filled(v, tensors) for v in value] if isinstance(value, list) else value


def _picked(where, tensors):
    if isinstance(where, dict):
        return {k: _picked(v, tensors) for k, v in where.items()}
    if len(where) == 3 and isinstance(where[0], str) and isinstance(where[1], int):
        return tensors[tuple(where)]
    picked = [_picked(w, tensors) for w in where]
    return tuple(picked) if isinstance(where, tuple) else picked


_told: set = set()  # (model, ignored keys) that were warned of


def flatten_like(struct, inputs, name):
    """Leaves of `inputs` in the order of `struct`'s leaves, or an error that shows both
    structures.
    """
    if isinstance(struct, KerasTensor):
        if isinstance(inputs, (list, tuple)) and len(inputs) == 1:
            inputs = inputs[0]
        if isinstance(inputs, dict) and len(inputs) == 1:
            inputs = next(iter(inputs.values()))
        if not hasattr(inputs, "shape") and inputs is not None:
            raise _mismatch(struct, inputs, name)
        return [inputs]
    if isinstance(struct, dict) and isinstance(inputs, dict):
        missing = [k for k in struct if k not in inputs]
        if missing:
            raise UserInputError(
                f"Missing data for input \"{missing[0]}\" of model '{name}'. You passed a data "
                f"dictionary with keys {list(inputs)}. Expected the following keys: {list(struct)}"
            )
        extra = [k for k in inputs if k not in struct]
        if extra and (name, *extra) not in _told:
            _told.add((name, *extra))
            warnings.warn(
                f"Model '{name}' ignores the input keys {extra}: it takes {list(struct)}.",
                stacklevel=4,
            )
        return [leaf for k in sorted(struct) for leaf in flatten_like(struct[k], inputs[k], name)]
    if (
        isinstance(struct, (list, tuple))
        and isinstance(inputs, dict)
        and all(isinstance(s, KerasTensor) for s in struct)
    ):
        names = [s._keras_history[0].name if s._keras_history else s.name for s in struct]
        missing = [n for n in names if n not in inputs]
        if missing:
            raise UserInputError(
                f"Missing data for input \"{missing[0]}\" of model '{name}'. You passed a data "
                f"dictionary with keys {list(inputs)}. Expected the following keys: {names}"
            )
        return [inputs[n] for n in names]
    if (
        isinstance(struct, (list, tuple))
        and isinstance(inputs, (list, tuple))
        and len(struct) == len(inputs)
    ):
        return [leaf for s, i in zip(struct, inputs) for leaf in flatten_like(s, i, name)]
    if isinstance(struct, (list, tuple)) and len(struct) == 1 and hasattr(inputs, "shape"):
        return flatten_like(struct[0], inputs, name)
    raise _mismatch(struct, inputs, name)


def _mismatch(struct, inputs, name):
    show = lambda t: map_structure(
        lambda x: tuple(x.shape) if hasattr(x, "shape") else type(x).__name__, t
    )
    return UserInputError(
        f"The structure of `inputs` doesn't match the expected structure of model '{name}'.\n"
        f"Expected: {show(struct)}\nReceived: {show(inputs)}"
    )


def pack_like(struct, values):
    """Values in the order of `leaves(struct)` in that structure."""
    return _refill(struct, values)


def _refill(struct, values):
    rest = iter(values)

    def fill(t):
        if isinstance(t, dict):
            order = {k: fill(t[k]) for k in sorted(t)}
            return {k: order[k] for k in t}
        if isinstance(t, tuple) and hasattr(t, "_fields"):
            return type(t)(*(fill(v) for v in t))
        if isinstance(t, list) or isinstance(t, tuple) and not _is_strip(t):
            return type(t)(fill(v) for v in t)
        return next(rest)

    return fill(struct)


def _is_strip(t):
    return len(t) == 3 and isinstance(t[0], tuple) and isinstance(t[1], str)


def _stripped(struct):
    if _is_strip(struct) if isinstance(struct, tuple) else False:
        return [struct]
    values = [struct[k] for k in sorted(struct)] if isinstance(struct, dict) else struct
    return [s for v in values for s in _stripped(v)]


def _keep_mask(old, new):
    mask = masks.get_mask(old)
    if mask is not None:
        masks.set_mask(new, mask)
    return new


Model._functional = Functional
