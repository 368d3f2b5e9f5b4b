"""`HostFace`: a model that takes strings, seen from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras import data as data_module
from fkeras.core import tracebacks
from fkeras.layers.base import host_part, host_values, tracking
from fkeras.layers.base.host_values import HostOutputs

if TYPE_CHECKING:
    from fkeras.data import Source
    from fkeras.models.loop_arguments import Data


class HostFace:
    """A call on what the host part returned, and the host part itself."""

    name: str

    @tracebacks.filtered
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if args and type(args[0]) is HostOutputs:
            return host_values.call_on(super().__call__, self.name, *args, **kwargs)
        return super().__call__(*args, **kwargs)

    @tracebacks.filtered
    def host(self, x: Data) -> Any:
        """What the layers on the host (`StringLookup`, `TextVectorization`, `Hashing`) make of
        inputs: numbers alone, for the rest of the model, which runs on the device.

        `fit`, `evaluate`, `predict` and calls on strings do this by themselves. It is for the pure
        functions, since JAX has no strings: `model.apply(variables, model.host(x))`, and the same
        for `init`, `init_state`, `step` and `test`. A model without such layers gets its inputs.

        Args:
            x: inputs as in `fit`: arrays or lists of strings and numbers, columns, dicts of those.

        Returns:
            A `HostOutputs`, a pytree of NumPy arrays: `inputs`, in which arrays without bytes stand
            for strings, and `values`, a dict by the names of the layers.

        Raises:
            UserInputError: a layer on the host depends on one on the device.

        Examples:
            >>> import fkeras, jax
            >>> lookup = fkeras.layers.StringLookup(vocabulary=["Oslo", "Rome"])
            >>> model = fkeras.Sequential([lookup, fkeras.layers.Embedding(3, 4)])
            >>> inputs = model.host(["Rome", "Paris"])
            >>> inputs.values["string_lookup"].tolist()
            [2, 0]
            >>> variables = model.init(jax.random.key(0), inputs)
            >>> jax.jit(model.apply)(variables, inputs)[0].shape
            (2, 4)
        """
        return self._host_outputs(data_module.as_arrays(x, "x"))

    def _host_outputs(self, inputs: Any) -> Any:
        """The same of arrays."""
        if type(inputs) is HostOutputs or not self._has_host_part():
            return inputs
        return host_part.run(self, inputs)

    def _has_host_part(self) -> bool:
        return tracking.structure_of(self).has_host_layers

    def _put_host_part_before(self, source: Source) -> None:
        """Has the inputs of a source pass the host part."""
        if self._has_host_part():
            source.map_inputs(self._host_outputs)
