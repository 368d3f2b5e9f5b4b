"""The metrics that `compile` was given, resolved against a model's outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fkeras import metrics as metrics_module
from fkeras.core import names, user_code
from fkeras.core.nested import flatten
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError
from fkeras.training.compiled_loss import binary_or_sparse, check_takes_pair, spread_weights
from fkeras.training.outputs import OutputNames

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.losses import Loss
    from fkeras.metrics import Metric
    from fkeras.training.compiled_loss import CompiledLoss
    from fkeras.types import Identifier, Nested, Tensor

BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")  # shapes and loss say which one is meant


class Entry(NamedTuple):
    """One metric of one output: index of the output, whether it is weighted, the metric."""

    output: int
    weighted: bool
    metric: Metric


class CompiledMetrics(metrics_module.Metric):
    """All compiled metrics as one: updated together, their results in one dict by the names that
    History shows.

    Args:
        metrics, weighted_metrics: None, a list (for one output, or for all), a list of lists, or a
            dict by output name.
        output_names: the model's, or None.
        loss: the `CompiledLoss`, which tells what 'accuracy' means.

    Attributes:
        entries: the single metrics; None until shapes are known.
        names: of their results, in the same order.

    Raises:
        UnknownNameError: at once, for a metric name that nothing is registered under.
    """

    def __init__(
        self,
        metrics: Nested[Identifier | None],
        weighted_metrics: Nested[Identifier | None],
        output_names: Sequence[str] | None = None,
        loss: CompiledLoss | None = None,
    ) -> None:
        super().__init__(name="compile_metrics")
        _check_argument("metrics", metrics)
        _check_argument("weighted_metrics", weighted_metrics)
        self.argument = metrics
        self.weighted_argument = weighted_metrics
        self.output_names = output_names
        self.loss = loss
        self.entries: list[Entry] | None = None

    @property
    def built(self) -> bool:
        return self.entries is not None

    @built.setter
    def built(self, value: bool) -> None:
        """Metric's own bookkeeping; being built is having entries."""

    @property
    def metrics(self) -> list[Metric]:
        return [entry.metric for entry in self.entries or ()]

    @property
    def variables(self) -> list[Variable]:
        return [v for m in self.metrics for v in m.variables]

    def build(self, y_true: Nested[Any], y_pred: Nested[Any]) -> None:
        """Resolves which metric belongs to which output, from the shapes of both."""
        outputs = self.outputs = OutputNames(y_pred, self.output_names)
        targets, predictions = outputs.targets(y_true, "y"), outputs.predictions(y_pred)
        entries = []
        for name, argument, weighted in (
            ("metrics", self.argument, False),
            ("weighted_metrics", self.weighted_argument, True),
        ):
            for i, choice in enumerate(self._spread(argument, name)):
                for identifier in choice if isinstance(choice, (list, tuple)) else [choice]:
                    if identifier is not None:
                        metric = self._resolve(identifier, targets[i], predictions[i], i)
                        _make_state(metric, targets[i], predictions[i])
                        entries.append(Entry(i, weighted, metric))
        self.entries = entries
        self.names = self._result_names()

    def _spread(self, argument, name):
        """What was chosen for each output."""
        outputs = self.outputs
        if not argument:
            return [None] * len(outputs)
        if isinstance(argument, dict):
            return outputs.spread(argument, name)
        holds_lists = any(isinstance(choice, (list, tuple)) for choice in argument)
        if outputs.single:
            lists = [c if isinstance(c, (list, tuple)) else [c] for c in argument]
            return [[choice for inner in lists for choice in inner]]
        has_gaps = any(choice is None for choice in argument)
        is_for_each = holds_lists or has_gaps or len(argument) > 1
        if is_for_each and len(argument) == len(outputs):
            return list(argument)
        if holds_lists:
            raise UserInputError(
                f"`{name}` has {len(argument)} entries, but the model has {len(outputs)} outputs: "
                f"{outputs.shown()}."
            )
        return [list(argument)] * len(outputs)  # one flat list: each output has them all

    def _resolve(self, identifier, y_true, y_pred, output) -> Metric:
        if isinstance(identifier, str) and identifier.lower() in BY_SHAPE:
            return self._resolve_by_shape(identifier, y_true, y_pred, output)
        metric = metrics_module.get(identifier)
        if not isinstance(metric, metrics_module.Metric):
            name = identifier if isinstance(identifier, str) else names.object_name(metric)
            return metrics_module.MeanMetricWrapper(metric, name=name)
        if isinstance(identifier, str):
            metric.name = identifier
        return metric

    def _resolve_by_shape(self, name, y_true, y_pred, output) -> Metric:
        """'accuracy' and 'crossentropy' by the output's loss where it tells, else by the shapes."""
        is_binary, is_sparse = binary_or_sparse(y_true, y_pred)
        from_logits = False
        terms = self.loss.terms if self.loss is not None else None
        for term in terms or ():
            if term.output == output:
                is_binary = is_binary or _is_binary_loss(term.loss)
                from_logits = _takes_logits(term.loss)
        if name.lower() in ("accuracy", "acc"):
            if is_binary:
                threshold = 0.0 if from_logits else 0.5
                return metrics_module.BinaryAccuracy(name=name, threshold=threshold)
            if is_sparse:
                return metrics_module.SparseCategoricalAccuracy(name=name)
            return metrics_module.CategoricalAccuracy(name=name)
        kind = metrics_module.CategoricalCrossentropy
        if is_binary:
            kind = metrics_module.BinaryCrossentropy
        elif is_sparse:
            kind = metrics_module.SparseCategoricalCrossentropy
        return kind(name=name, from_logits=from_logits)

    def _result_names(self) -> list[str]:
        outputs = self.outputs
        result_names: list[str] = []
        # What the logs hold besides: no metric may take their place.
        trackers = self.loss.metrics if self.loss is not None else []
        counts = dict.fromkeys(("loss", *(tracker.name for tracker in trackers)), 1)
        for i, weighted, metric in self.entries:
            prefix = f"{outputs.names[i]}_" if outputs.names[i] and len(outputs) > 1 else ""
            name = f"{prefix}{metric.name}"
            if name in counts and weighted:
                name = f"{prefix}weighted_{metric.name}"
            count = counts.get(name, 0)
            counts[name] = count + 1
            if count and metric.name != "lambda":
                warn_user(
                    f"Two results of model steps would be called '{name}': that of "
                    f"{type(metric).__name__} is shown as '{name}_{count}'. Give each metric a "
                    "name of its own: `name=...`."
                )
            result_names.append(f"{name}_{count}" if count else name)
        return result_names

    def update_state(
        self, y_true: Nested[Tensor], y_pred: Nested[Tensor], sample_weight: Any = None
    ) -> None:
        if not self.built:
            self.build(y_true, y_pred)
        used = {entry.output for entry in self.entries}
        needed = [i in used for i in range(len(self.outputs))]
        targets = self.outputs.targets(y_true, "y", needed)
        predictions = self.outputs.predictions(y_pred)
        weights = spread_weights(self.outputs, sample_weight, needed)
        for i, weighted, metric in self.entries:
            if targets[i] is None:
                continue
            arguments = {"y_true": targets[i], "y_pred": predictions[i]}
            if weighted:
                arguments["sample_weight"] = weights[i]
            try:
                metric.update_state(*arguments.values())
            except Exception as error:
                user_code.raise_explained(error, _described(metric, "update_state"), arguments)

    def reset_state(self) -> None:
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """Results by name."""
        if not self.built:
            raise UserInputError("The compiled metrics have no result yet: no batch has been seen.")
        return {name: _result(entry.metric) for name, entry in zip(self.names, self.entries)}


def _result(metric: Metric) -> Any:
    try:
        return metric.result()
    except Exception as error:
        user_code.raise_explained(error, _described(metric, "result"))


def _described(metric: Metric, method: str) -> Callable[[], str]:
    return lambda: f"`{method}` of metric '{metric.name}' ({type(metric).__name__})"


def _check_argument(name, argument):
    if argument and not isinstance(argument, (list, tuple, dict)):
        raise UserInputError(
            f"Expected `{name}` argument to be a list, tuple, or dict. Received instead: "
            f"{name}={argument} of type {type(argument)}"
        )
    for choice in flatten(argument):
        if inspect.isfunction(choice):
            check_takes_pair("metric", choice)
        is_by_shape = isinstance(choice, str) and choice.lower() in BY_SHAPE
        if not is_by_shape and not callable(choice):
            metrics_module.get(choice)


def _make_state(metric, y_true, y_pred):
    """Variables that the first batch would make, so that a step finds them."""
    if metric.variables or y_true is None:
        return
    try:
        metric.build_on(y_true, y_pred)
    except Exception as error:
        arguments = {"y_true": y_true, "y_pred": y_pred}
        user_code.raise_explained(error, _described(metric, "update_state"), arguments)


def _is_binary_loss(loss: Loss) -> bool:
    # By name, not by `expectation_of`: a user's own `MyBinaryCrossentropy` has declared nothing.
    name = type(loss).__name__ + getattr(getattr(loss, "fn", None), "__name__", "")
    name = name.lower().replace("_", "")
    return "binarycrossentropy" in name or "binaryfocal" in name


def _takes_logits(loss: Loss) -> bool:
    options = getattr(loss, "_fn_kwargs", {})  # of a loss that wraps a function
    return bool(getattr(loss, "from_logits", False) or options.get("from_logits", False))
