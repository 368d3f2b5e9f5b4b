"""Making an optimizer's Variables: for what its rule keeps, and at a program's wish."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from fkeras import initializers
from fkeras.core import names
from fkeras.core.values import lending
from fkeras.core.values.variable import Variable
from fkeras.errors import UserInputError
from fkeras.optimizers.parameter_info import parameter_info_of, read_value
from fkeras.optimizers.variables import OptimizerVariables

if TYPE_CHECKING:
    from flax import nnx

    from fkeras.optimizers.slot_spec import SlotSpec
    from fkeras.types import DTypeLike, Identifier, ShapeLike


class BuildableOptimizer(OptimizerVariables):
    """`build`, and the `add_*` methods that programs call in their own `build`."""

    def take_paths(self, paths: Mapping[int, tuple[str, ...]]) -> None:
        """Told before `build` where Variables (by their ids) stand in the model's tree `params`.

        Nothing is kept of it here. An Optax transformation sees its parameters as that tree.
        """

    def build(self, variables: Iterable[nnx.Variable]) -> None:
        """Makes what is kept for each of the Variables to be trained.

        An optimizer is bound to them for good.

        Args:
            variables: Variables.

        Raises:
            UserInputError: already built for others.
        """
        variables = list(variables)
        if self.built:
            if [id(v) for v in variables] != [id(v) for v in self._built_for]:
                raise UserInputError(_bound_already(self, variables))
            return
        # Past `__setattr__`, which would take the model's Variables for the optimizer's own.
        object.__setattr__(self, "_built_for", variables)
        self._build_slots(variables)
        self.built = True

    def _build_slots(self, variables: Sequence[nnx.Variable]) -> None:
        infos = self.parameter_infos_of(variables)
        with names.scope(self.name):
            for key, index, spec in self._state_rows(infos):
                if index is None:
                    self._add_slot_variable(key, None, spec)
                else:
                    self._add_slot_variable(
                        key,
                        index,
                        spec,
                        param=read_value(variables[index]),
                        name=_slot_name(infos[index].path, key),
                    )._meta.blocks = infos[index].blocks

    def _add_slot_variable(
        self,
        key: str,
        index: int | None,
        spec: SlotSpec,
        param: jax.Array | None = None,
        name: str | None = None,
        cls: type[Variable] = Variable,
    ) -> Variable:
        """Makes the Variable of one row of the table."""
        # Values now, even where a model is built inside a trace: a Variable outlives it.
        with jax.ensure_compile_time_eval():
            value = spec.first_value(param)
        variable = cls(
            value,
            trainable=False,
            name=name or key,
            kind="optimizer",
            aggregation="only_first_replica" if key in ("iteration", "learning_rate") else "none",
        )
        self._variables.append(variable)
        self._slot_table.append((key, index))
        return variable

    def add_variable(
        self,
        shape: ShapeLike,
        initializer: Identifier = "zeros",
        dtype: DTypeLike | None = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a Variable of the optimizer, of the given shape.

        Args:
            shape: tuple of ints.
            initializer: name, config or function of what it starts as.
            dtype: None for floatx.
            aggregation, layout: kept for Keras's signature.
            name: None for an automatic name.
        """
        with names.scope(self.name):
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                layout=layout,
                name=name,
                kind="optimizer",
            )
        self._track(variable)  # it need not be assigned to an attribute
        return variable

    def add_variable_from_reference(
        self,
        reference_variable: nnx.Variable,
        name: str | None = None,
        initializer: Identifier = "zeros",
    ) -> Variable:
        """Makes a Variable of the optimizer, of the shape and dtype of a parameter.

        Args:
            reference_variable: the parameter.
            name: what comes after the parameter's path in the new name; None for `'var'`.
            initializer: name, config or function of what it starts as.
        """
        info = parameter_info_of(reference_variable)
        variable = self.add_variable(
            info.shape,
            initializer,
            info.dtype,
            layout=getattr(reference_variable, "layout", None),
            name=_slot_name(info.path, name or "var"),
        )
        variable._meta.blocks = info.blocks
        return variable

    def add_optimizer_variables(
        self,
        trainable_variables: Iterable[nnx.Variable],
        name: str | Sequence[str],
        initializer: Identifier | Sequence[Identifier] = "zeros",
    ) -> list[Variable | None] | tuple[list[Variable | None], ...]:
        """Makes a Variable for each parameter.

        Args:
            trainable_variables: the parameters. Those that are overwritten with their gradient get
                None.
            name: what the new names end with; or a list of such names.
            initializer: one for all, or a list with one for each name.

        Returns:
            A list; for a list of names, a tuple with one list for each name.

        Raises:
            UserInputError: another number of initializers than of names.
        """
        all_names = [name] if isinstance(name, str) else list(name)
        if isinstance(initializer, (list, tuple)):
            all_initializers = list(initializer)
        else:
            all_initializers = [initializer] * len(all_names)
        if len(all_names) != len(all_initializers):
            raise UserInputError(
                "The number of provided names must match the number of provided initializers. "
                f"Received name='{name}', initializer='{initializer}'"
            )
        lists: tuple[list[Variable | None], ...] = tuple([] for _ in all_names)
        for variable in trainable_variables:
            overwritten = parameter_info_of(variable).overwrite
            for one_list, one_name, first in zip(lists, all_names, all_initializers):
                one_list.append(
                    None
                    if overwritten
                    else self.add_variable_from_reference(variable, one_name, first)
                )
        return lists[0] if isinstance(name, str) else lists


def _slot_name(path: str, key: str) -> str:
    return f"{path.replace('/', '_')}_{key}"


def _bound_already(optimizer: BuildableOptimizer, variables: Sequence[nnx.Variable]) -> str:
    kind = type(optimizer).__name__
    return (
        f"{kind} {optimizer.name!r} is already bound to the variables "
        f"{_first_paths(optimizer.bound_variables)}; it cannot be used for "
        f"{_first_paths(variables)}. An optimizer serves one model: make a new one, for example "
        f"with `{kind}.from_config(optimizer.get_config())`."
    )


def _first_paths(variables: Sequence[nnx.Variable]) -> str:
    paths = [lending.path_of(v) for v in variables]
    rest = f", ... ({len(paths)} in all)" if len(paths) > 3 else ""
    return ", ".join(paths[:3]) + rest
