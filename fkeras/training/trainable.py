"""`Trainable`: what training asks of a model.

Every name is public: what a name with an underscore does in `fkeras.models` is none of the business
of this room. What else training must know (what `compile` chose, which layers are fed by the inputs
directly) it is given as an argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import jax

    from fkeras.core.values.variable import Variable
    from fkeras.metrics import Metric
    from fkeras.optimizers import Optimizer
    from fkeras.types import Nested, Tensor

    # Values of the groups of Variables, in Keras's order: a step takes some of them and returns
    # them.
    Values = list[jax.Array]
    Logs = dict[str, Any]


class Trainable(Protocol):
    """A model as training sees it: a layer with steps, a loss and metrics."""

    @property
    def name(self) -> str: ...

    @property
    def built(self) -> bool: ...

    @built.setter
    def built(self, value: bool) -> None: ...

    @property
    def build_key(self) -> jax.Array:
        """The model's key, from which those of all its steps follow."""
        ...

    @property
    def output(self) -> Nested[Any]:
        """Symbolic outputs; an error where the model is no graph of layers."""
        ...

    def get_build_config(self) -> dict[str, Any] | None: ...

    @property
    def optimizer(self) -> Optimizer | None: ...

    @property
    def losses(self) -> list[Tensor]:
        """What layers added in the call under way."""
        ...

    @property
    def metrics(self) -> list[Metric]: ...

    @property
    def trainable_variables(self) -> list[Variable]: ...

    @property
    def non_trainable_variables(self) -> list[Variable]: ...

    @property
    def metrics_variables(self) -> list[Variable]: ...

    def __call__(self, inputs: Nested[Tensor], **kwargs: Any) -> Nested[Tensor]: ...

    def stateless_call(
        self, trainable: Values, non_trainable: Values, *args: Any, **kwargs: Any
    ) -> tuple[Nested[Tensor], Values]: ...

    # -- what users override: Keras's contract on JAX ---------------------------

    def train_step(self, state: tuple[Values, ...], data: Any) -> tuple[Logs, tuple]: ...

    def test_step(self, state: tuple[Values, ...], data: Any) -> tuple[Logs, tuple]: ...

    def predict_step(
        self, state: tuple[Values, ...], data: Any
    ) -> tuple[Nested[Tensor], Values]: ...

    def compute_loss(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool
    ) -> Tensor: ...

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Logs: ...

    def get_metrics_result(self) -> Logs: ...

    def compute_loss_and_updates(
        self,
        trainable_variables: Values,
        non_trainable_variables: Values,
        metrics_variables: Values,
        x: Any,
        y: Any,
        sample_weight: Any,
        training: bool = False,
        optimizer_variables: Values | None = None,
    ) -> tuple[Tensor, tuple]: ...
