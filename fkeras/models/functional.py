"""`Functional`: models made from symbolic graphs, by `Model(inputs, outputs)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.config import scopes
from fkeras.core.nested import flatten, map_structure, sorted_keys
from fkeras.core.symbolic.graph import Graph
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.core.symbolic.node import Node
from fkeras.core.values import masks
from fkeras.errors import UserInputError
from fkeras.layers.base import building, host_part, nested, running_blocks, signature, tracking
from fkeras.layers.base import layer as base
from fkeras.layers.base.host_values import OnDevice
from fkeras.layers.base.input_spec import InputSpec
from fkeras.layers.core.input_layer import InputLayer
from fkeras.models import losses_of_graph, symbolic_losses
from fkeras.models.function import give_history, spec_function
from fkeras.models.functional_config import describe_graph, revive_graph
from fkeras.models.input_structure import (
    TensorSpec,
    adjust_input,
    flatten_like,
    pack_like,
    with_declared_rank,
)
from fkeras.models.model import Model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fkeras.metrics import Metric
    from fkeras.types import Config, Nested, Shape, Tensor


class _Symbols:
    """The KerasTensors of a functional model, in their structures.

    They do not travel in copies; they are made again from what they were like.
    """

    def __init__(
        self,
        inputs: Nested[KerasTensor],
        outputs: Nested[KerasTensor],
        added: Sequence[KerasTensor] = (),
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.added = list(added)  # losses and metrics

    def __getstate__(self) -> dict[str, Any]:
        def spec(tensor):
            return TensorSpec(tuple(tensor.shape), tensor.dtype, tensor.name)

        return {
            "inputs": map_structure(spec, self.inputs),
            "outputs": map_structure(spec, self.outputs),
            "added": map_structure(spec, self.added),
        }


class Functional(Model):
    """A model from a graph of layers between `inputs` and `outputs`; made by
    `Model(inputs, outputs)`.

    Args:
        inputs, outputs: KerasTensors, or lists, tuples or dicts of them.
        name: None for an automatic name.

    Examples:
        >>> import fkeras
        >>> x = fkeras.Input((3,), name="x")
        >>> model = fkeras.Model(x, fkeras.layers.Dense(2, name="head")(x))
        >>> model.input_names, model.output_names
        (['x'], ['head'])
    """

    _manages_masks = True

    def __init__(
        self,
        inputs: Nested[KerasTensor],
        outputs: Nested[KerasTensor],
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        trainable = kwargs.pop("trainable", None)
        Model.__init__(self, name=name, **kwargs)
        self._info.convert_inputs = False  # inputs take the dtype that their Input declares
        _check_inputs(inputs)
        give_history(flatten(inputs))
        self.additions: list[symbolic_losses.Addition] = []
        self.graph_metrics: list[Metric] = []
        self._assemble(inputs, outputs)
        if trainable is not None:
            self.trainable = trainable

    def _assemble(self, inputs, outputs, added=()):
        """Compiles the graph, with the layers apart from it, as the model's members; `added` are
        the tensors of losses and metrics.
        """
        graph = Graph(flatten(inputs), [*flatten(outputs), *added], self.name)
        members = [op for op in graph.operations if isinstance(op, base.Layer)]
        members = [*_layers_for_cut_in_inputs(flatten(inputs)), *members]
        _check_names(members)
        self.members = members
        positions = {id(member): i for i, member in enumerate(members)}
        # Index of the member for each operation of the graph; None for a function.
        self._member_of = tuple(positions.get(id(op)) for op in graph.operations)
        self._plan = graph.without_operations(lambda op: id(op) in positions)
        self._symbols = _Symbols(inputs, outputs, added)
        self._info.built = True
        building.place(self)
        if host_part.has_host_layers(self):
            host_part.check(self, inputs)

    def _members(self):
        return tracking.member_names(self.members)

    # -- tensors ---------------------------------------------------------------

    @property
    def inputs(self) -> list[KerasTensor]:
        """The input KerasTensors as a flat list."""
        return flatten(self._symbols.inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The output KerasTensors as a flat list."""
        return flatten(self._symbols.outputs)

    _inputs_struct = property(lambda self: self._symbols.inputs)
    _outputs_struct = property(lambda self: self._symbols.outputs)

    @property
    def input(self) -> Nested[KerasTensor]:
        """The input KerasTensors in the structure they were given in."""
        return self._symbols.inputs

    @property
    def output(self) -> Nested[KerasTensor]:
        """The output KerasTensors in the structure they were given in."""
        return self._symbols.outputs

    def _find_input_shape(self) -> Nested[Shape]:
        return signature.shape_of(self._symbols.inputs)

    def _find_output_shape(self) -> Nested[Shape]:
        return signature.shape_of(_alone(self._symbols.outputs))

    @property
    def input_names(self) -> list[str]:
        return [x._keras_history[0].name if x._keras_history else x.name for x in self.inputs]

    @property
    def output_names(self) -> list[str]:
        return [x._keras_history[0].name for x in self.outputs]

    @property
    def operations(self) -> list:
        """Layers and functions in the order of the graph."""
        return self._operations()

    def _operations(self):
        members, functions = self.members, self._plan.operations
        return [functions[i] if m is None else members[m] for i, m in enumerate(self._member_of)]

    def _fed_layers(self):
        operations, num_inputs = self._operations(), len(self._plan.input_slots)
        fed = []
        for step in self._plan.steps:
            slot = getattr(step.args[0], "index", None) if step.args else None
            if isinstance(slot, int) and slot < num_inputs:  # inputs have the first slots
                fed.append((operations[step.operation], slot))
        return fed

    @property
    def layers(self) -> list[base.Layer]:
        return list(self.members)

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "`Model.layers` attribute is reserved and should not be used. Please use another name."
        )

    @property
    def input_spec(self) -> Any:
        """What the inputs must look like; set it to replace the derived one."""
        if self._info.input_spec is not None:
            return self._info.input_spec
        tensors = self._symbols.inputs
        if isinstance(tensors, dict):
            return [_spec_of_input(tensors[key], key) for key in sorted_keys(tensors)]
        return [_spec_of_input(x, None) for x in flatten(tensors)]

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._info.input_spec = value

    # -- calling ---------------------------------------------------------------

    def call(
        self,
        inputs: Nested[Tensor],
        training: bool | None = None,
        mask: Nested[Tensor] | None = None,
    ) -> Nested[Tensor]:
        """Replays the graph on arrays. `training` reaches its layers by itself."""
        tensors = flatten_like(self._symbols.inputs, inputs, self.name)
        tensors = [adjust_input(x, spec, self.name) for x, spec in zip(tensors, self.inputs)]
        if mask is not None:
            for x, m in zip(tensors, flatten(mask)):
                masks.set_mask(x, m)
        values = self._plan.replay(tensors, self._operations())
        if self.additions:
            count = len(self.outputs)
            symbolic_losses.count(self, values[count:])
            values = values[:count]
        return _alone(pack_like(self._symbols.outputs, values))

    def _run_host_part(self, inputs, **kwargs):
        if type(self).call is not Functional.call:
            return super()._run_host_part(inputs, **kwargs)
        tensors = [
            x if x is None or isinstance(x, OnDevice) else with_declared_rank(x, spec, self.name)
            for x, spec in zip(flatten_like(self._symbols.inputs, inputs, self.name), self.inputs)
        ]
        values = host_part.run_graph(self._plan, self._operations(), tensors)
        return _alone(pack_like(self._symbols.outputs, values[: len(self.outputs)]))

    def compute_output_spec(
        self,
        inputs: Nested[KerasTensor],
        training: bool | None = None,
        mask: Nested[KerasTensor] | None = None,
    ) -> Nested[KerasTensor]:
        tensors = flatten_like(self._symbols.inputs, inputs, self.name)
        outputs = self._plan.replay(tensors, self._operations(), call=spec_function)
        return _alone(pack_like(self._symbols.outputs, outputs[: len(self.outputs)]))

    def compute_output_shape(self, input_shape: Nested[Shape]) -> Nested[Shape]:
        tensors = nested.map_shapes(KerasTensor, nested.as_shape(input_shape))
        return signature.shape_of(self.compute_output_spec(tensors))

    def add_loss(self, loss: Any, inputs: Any = None) -> None:
        """Adds to the loss: tensors of the model's graph, once and for all its calls; or, inside
        of `call`, values.

        Args:
            loss: tensors computed from the model's inputs or from outputs of its layers, or
                scalars. inputs: of tf.keras 2, without effect.

        Examples:
            >>> import fkeras, numpy as np
            >>> x = fkeras.Input((2,))
            >>> model = fkeras.Model(x, fkeras.layers.Dense(2)(x))
            >>> model.add_loss(fkeras.ops.mean(fkeras.ops.square(model.output - x)))
            >>> model.compile("sgd")
            >>> model.evaluate(np.zeros((4, 2)), verbose=0)
            0.0
        """
        if symbolic_losses.is_symbolic(loss):
            symbolic_losses.add_loss(self, loss)
        else:
            super().add_loss(loss)

    def add_metric(
        self, value: KerasTensor, aggregation: str | None = None, name: str | None = None
    ) -> None:
        """Shows a tensor of the model's graph in the logs: its mean over the batches. Of tf.keras
        2, with one warning.

        Args:
            value: computed from the model's inputs or from outputs of its layers.
            aggregation: 'mean' or None, which is the mean too.
            name: in the logs; None for the name of the operation that made it.
        """
        symbolic_losses.add_metric(self, value, aggregation, name)

    def _bind_loss(self, loss):
        return losses_of_graph.bind(self, loss)

    # -- config ----------------------------------------------------------------

    def get_config(self) -> Config:
        """Layers, and who was called on what: enough to make the model again.

        A subclass with a constructor of its own gives its arguments instead.
        """
        if not self._is_plain():
            return base.Layer.get_config(self)
        operations = self._operations()
        in_graph = {id(operation) for operation in operations}
        config = {
            "name": self.name,
            "trainable": self.trainable,
            **describe_graph(
                self._plan,
                operations,
                [member for member in self.members if id(member) not in in_graph],
                self._input_layer_names(),
                self._symbols.inputs,
                self._symbols.outputs,
            ),
        }
        added = symbolic_losses.describe(self, config.pop("added"))
        return {**config, "added": added} if added else config

    def _input_layer_names(self) -> list[str]:
        """Names of the layers that stand for the inputs, which one in mid-graph has of its own."""
        if all(getattr(x._keras_history[0], "is_input", False) for x in self.inputs):
            return self.input_names
        return [member.name for member in self.members if getattr(member, "is_input", False)]

    def _declared_inputs(self):
        return self._symbols.inputs

    def _is_plain(self) -> bool:
        """Whether inputs and outputs are all that the constructor takes."""
        cls = type(self)
        return cls.__init__ is Functional.__init__ or "__init__" not in vars(cls)

    @classmethod
    def from_config(
        cls, config: Config, custom_objects: Mapping[str, Any] | None = None
    ) -> Functional:
        """The model that `get_config` described, with new weights."""
        if "layers" not in config or "output_layers" not in config:
            return super().from_config(config)
        with (
            scopes.custom_object_scope(custom_objects or {}),
            scopes.ObjectSharingScope(reads=True),
        ):
            inputs, outputs, added = revive_graph(config)
        kind = Model if cls is Functional else cls
        model = kind(inputs=inputs, outputs=outputs, name=config.get("name"))
        if added:
            symbolic_losses.revive(model, config["added"], added)
        if not config.get("trainable", True):
            model.trainable = False
        return model

    # -- copies ----------------------------------------------------------------

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._remake_symbols()

    def _remake_symbols(self):
        """New KerasTensors for a copy: its input layers' nodes are made again and the plan is
        replayed on them.
        """
        specs = self._symbols
        input_layers = [m for m in self.members if getattr(m, "is_input", False)]
        by_name = {layer.name: layer for layer in input_layers}
        tensors = []
        for spec, layer in zip(flatten(specs.inputs), input_layers):
            tensor = KerasTensor(spec.shape, dtype=spec.dtype, name=spec.name)
            Node(by_name.get(spec.name, layer), (), {}, tensor)
            tensors.append(tensor)
        with running_blocks.as_one_block(self):
            values = self._plan.replay(tensors, self._operations())
        count = len(flatten(specs.outputs))
        outputs = pack_like(specs.outputs, values[:count])
        self._symbols = _Symbols(pack_like(specs.inputs, tensors), outputs, values[count:])


def _alone(outputs: Nested[Any]) -> Nested[Any]:
    """The only one of a list or tuple: `Model(x, [y])` returns what `Model(x, y)` does."""
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def _check_inputs(inputs: Nested[Any]) -> None:
    tensors = flatten(inputs)
    if not tensors:
        raise UserInputError("`Model(inputs, outputs)` needs at least one input.")
    for x in tensors:
        if not isinstance(x, KerasTensor):
            raise UserInputError(
                f"All `inputs` values must be KerasTensors. Received: inputs={inputs!r} including "
                f"invalid value {x!r} of type {type(x)}"
            )
    if len({id(x) for x in tensors}) != len(tensors):
        raise UserInputError("`inputs` argument cannot contain duplicate entries.")


def _layers_for_cut_in_inputs(tensors: Sequence[KerasTensor]) -> list[InputLayer]:
    """An InputLayer for each input in the middle of a graph, named after what made it there."""
    return [
        InputLayer(batch_shape=x.shape, dtype=x.dtype, name=f"{x._keras_history[0].name}_input")
        for x in tensors
        if not getattr(x._keras_history[0], "is_input", False)
    ]


def _check_names(members: Sequence[base.Layer]) -> None:
    names = [member.name for member in members]
    for name in names:
        if names.count(name) > 1:
            namesakes = ", ".join(f"{member!r}" for member in members if member.name == name)
            raise UserInputError(
                f'The name "{name}" is used {names.count(name)} times in the model. All operation '
                f"names should be unique. Give one of them another `name=`: {namesakes}"
            )


def _spec_of_input(tensor: KerasTensor, name: str | None) -> InputSpec:
    layer = tensor._keras_history[0] if tensor._keras_history else None
    return InputSpec(
        shape=(None, *tensor.shape[1:]) if tensor.shape else (),
        allow_last_axis_squeeze=True,
        name=name,
        optional=bool(getattr(layer, "optional", False)),
    )


Model._functional = Functional
