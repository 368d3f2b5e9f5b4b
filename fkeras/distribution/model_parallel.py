"""`ModelParallel`: weights and outputs of layers cut over devices by rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.values import stacking
from fkeras.core.values.variable_info import info_of
from fkeras.distribution.distribution import Distribution
from fkeras.distribution.layout import LayoutMap, TensorLayout
from fkeras.distribution.stacks import of_share
from fkeras.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flax import nnx

    from fkeras.core.values.variable import Variable


class ModelParallel(Distribution):
    """Model parallelism: each weight lies as the rule that matches its path says, all others on
    each device. Rows of batches are dealt out over an axis of the same mesh.

    Args:
        layout_map: the rules, with their mesh.
        batch_dim_name: mesh axis of the rows; None for the first.
        auto_shard_dataset: whether each of several processes takes its own share of a data set.

    Raises:
        UserInputError: no layout map, or a mesh that does not fit the number of processes. Before
            the first step of a model: rules that match none of its weights and outputs, layouts
            that do not fit.

    Examples:
        >>> import fkeras
        >>> names = ["batch", "model"]
        >>> mesh = fkeras.distribution.DeviceMesh((1, 1), names, ["cpu:0"])
        >>> rules = fkeras.distribution.LayoutMap(mesh)
        >>> rules[".*dense.*kernel"] = (None, "model")
        >>> parallel = fkeras.distribution.ModelParallel(layout_map=rules)
        >>> parallel.batch_dim_name
        'batch'
    """

    def __init__(
        self,
        *,
        layout_map: LayoutMap | None = None,
        batch_dim_name: str | None = None,
        auto_shard_dataset: bool = True,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("device_mesh", None)  # older scripts pass it too
        if kwargs:
            raise UserInputError(f"ModelParallel: unexpected arguments {sorted(kwargs)}.")
        if layout_map is None:
            raise UserInputError("You must specify a layout_map argument.")
        if not isinstance(layout_map, LayoutMap):
            raise UserInputError(
                "Argument `layout_map` must be a `LayoutMap` instance. Received: "
                f"layout_map={layout_map}"
            )
        mesh = layout_map.device_mesh
        super().__init__(mesh, batch_dim_name or mesh.axis_names[0], auto_shard_dataset)
        self._layout_map = layout_map
        replicas = self.num_model_replicas
        if self.num_processes > replicas and self.num_processes % replicas:
            raise UserInputError(
                "If `num_processes` is greater than `num_model_replicas`, `num_processes` must be "
                f"divisible by `num_model_replicas`. Got num_processes={self.num_processes}, "
                f"num_model_replicas={replicas}."
            )

    @of_share
    def get_variable_layout(self, variable: Variable) -> TensorLayout:
        """The Variable's own layout, else that of the rule for its path, else all on each
        device.
        """
        if variable.layout is None:
            rules = self._rules_of(variable)
            if rules:
                return self._layout_map[rules[0]]
        return super().get_variable_layout(variable)

    def get_tensor_layout(self, path: str) -> TensorLayout | None:
        """The layout of the rule for a path, or None."""
        return self._layout_map[path]

    def adopt(self, variables: Sequence[nnx.Variable], layer_paths: Sequence[str]) -> None:
        """Checks that each rule is for something of the model.

        Raises:
            UserInputError: rules that match nothing, with the paths there are.
        """
        paths = [variable.path for variable in variables]
        outputs = [f"{path}/output" for path in layer_paths]
        used = {self._layout_map.rule_of(path) for path in outputs}
        for variable in variables:
            used.update(self._rules_of(variable))
        unused = [rule for rule in self._layout_map if rule not in used]
        if unused:
            raise UserInputError(
                f"These rules of the layout map match no weight and no output: {unused}. A rule is "
                "a regular expression for the whole path. Weights of the model: "
                f"{', '.join(paths[:20])}{' ...' if len(paths) > 20 else ''}. Outputs of layers "
                f"are {outputs[0] if outputs else 'layer/output'} and the like."
            )

    def _rules_of(self, variable: nnx.Variable) -> list[str]:
        """The rules for a Variable. Those of a stack of blocks may be written for the stack or, as
        for separate layers, for each block.

        Raises:
            UserInputError: several match a path, or blocks of one stack would lie differently.
        """
        stack = stacking.stack_of(variable)
        paths = [stack.path]
        if info_of(stack).blocks and self._layout_map.rule_of(stack.path) is None:
            paths = stacking.paths_of_shares(stack)
        rules = [self._layout_map.rule_of(path) for path in paths]
        layouts = {None if rule is None else self._layout_map[rule].axes for rule in rules}
        if len(layouts) > 1:
            raise UserInputError(
                f"The rules of the layout map cut the weights of blocks that repeat in different "
                f"ways: {dict(zip(paths, rules))}. They lie in one stack: give all of them one "
                f"layout, or write one rule for {stack.path!r}."
            )
        return [rule for rule in rules if rule is not None]
