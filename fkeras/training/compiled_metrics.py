"""The metrics that `compile` was given, resolved against a model's outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from fkeras import metrics as metrics_module
from fkeras.core import names, user_code
from fkeras.core.config import registry
from fkeras.core.nested import flatten
from fkeras.core.values import lending
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError, UserTypeError
from fkeras.losses.expectation import expectation_of
from fkeras.training.compiled_loss import binary_or_sparse, check_takes_pair, spread_weights
from fkeras.training.logs import named_results
from fkeras.training.outputs import OutputNames

if TYPE_CHECKING:
    from fkeras.core.values.variable import Variable
    from fkeras.losses import Loss
    from fkeras.metrics import Metric
    from fkeras.training.compiled_loss import CompiledLoss
    from fkeras.types import Identifier, Nested, Tensor

BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")  # shapes and loss say which one is meant


class Entry(NamedTuple):
    """One metric of one output: index of the output, whether it is weighted, the metric, and the
    names of its results (one, or the keys of the dict that it returns).
    """

    output: int
    weighted: bool
    metric: Metric
    results: tuple[str, ...]


class SignAccuracy(metrics_module.BinaryAccuracy):
    """What 'accuracy' means beside a hinge loss: targets -1 and 1, or 0 and 1, scores around 0."""

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name=name, threshold=0.0)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(jax.numpy.asarray(y_true) > 0, y_pred, sample_weight)


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
        names: of all their results, in the same order.

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
        entries: list[Entry] = []
        for name, argument, weighted in (
            ("metrics", self.argument, False),
            ("weighted_metrics", self.weighted_argument, True),
        ):
            for i, choice in enumerate(self._spread(argument, name)):
                for identifier in choice if isinstance(choice, (list, tuple)) else [choice]:
                    if identifier is not None:
                        metric = self._resolve(identifier, targets[i], predictions[i], i)
                        if any(metric is entry.metric for entry in entries):
                            metric = _another(metric)
                        if weighted:
                            _check_takes_weights(metric)
                        _make_state(metric, targets[i], predictions[i])
                        entries.append(Entry(i, weighted, metric, _keys_of_result(metric)))
        self.entries = entries
        self._shown = self._shown_names()
        self.names = [name for shown in self._shown for name in shown.values()]

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
        if type(metric).update_state in _OF_VALUES:
            raise UserInputError(
                f"{type(metric).__name__} averages or adds up values, and would take the targets "
                "for values and the predictions for their weights. Give a function (y_true, "
                "y_pred) -> values as metric, such as `lambda y_true, y_pred: y_pred`; a tracker "
                "of your own belongs into the property `metrics`, or into `add_metric`."
            )
        if isinstance(identifier, str):
            metric.name = identifier
        return metric

    def _resolve_by_shape(self, name, y_true, y_pred, output) -> Metric:
        """'accuracy' and 'crossentropy' by the output's loss where it tells, else by the shapes."""
        is_binary, is_sparse = binary_or_sparse(y_true, y_pred)
        from_logits = is_of_signs = False
        terms = self.loss.terms if self.loss is not None else None
        for term in terms or ():
            if term.output == output:
                is_binary = is_binary or _is_binary_loss(term.loss)
                from_logits = _takes_logits(term.loss)
                expectation = expectation_of(term.loss)
                is_of_signs = expectation is not None and expectation.targets == "signs"
        if name.lower() in ("accuracy", "acc"):
            if is_of_signs:
                return SignAccuracy(name)
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

    def _shown_names(self) -> list[dict[str, str]]:
        """For each entry: the name of a result -> the name that it is shown by."""
        shown_names: list[dict[str, str]] = []
        # What the logs hold besides: no metric may take their place.
        trackers = self.loss.metrics if self.loss is not None else []
        counts = dict.fromkeys(("loss", *(tracker.name for tracker in trackers)), 1)
        for entry in self.entries:
            prefix, shown = self._prefix(entry), {}
            for result in entry.results:
                name = f"{prefix}{result}"
                if name in counts and entry.weighted:
                    name = f"{prefix}weighted_{result}"
                count = counts.get(name, 0)
                counts[name] = count + 1
                shown[result] = f"{name}_{count}" if count else name
                if count and result != "lambda":
                    _warn_of_shared_name(name, entry.metric, shown[result])
            shown_names.append(shown)
        return shown_names

    def _prefix(self, entry: Entry) -> str:
        name = self.outputs.names[entry.output]
        return f"{name}_" if name and len(self.outputs) > 1 else ""

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
        for i, weighted, metric, _ in self.entries:
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
        results: dict[str, Any] = {}
        for entry, shown in zip(self.entries, self._shown):
            values = named_results(entry.metric.name, _result(entry.metric))
            for name, value in values.items():
                results[shown.get(name, f"{self._prefix(entry)}{name}")] = value
        return results


def _result(metric: Metric) -> Any:
    try:
        result = metric.result()
    except Exception as error:
        user_code.raise_explained(error, _described(metric, "result"))
    if result is None:
        who = _described(metric, "result")()
        raise UserInputError(f"{who} returned None. Does its last line lack a `return`?")
    return result


def _warn_of_shared_name(name: str, metric: Metric, shown: str) -> None:
    warn_user(
        f"Two results of model steps would be called '{name}': that of {type(metric).__name__} is "
        f"shown as '{shown}'. Give each metric a name of its own: `name=...`."
    )


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


# Of metrics that take values, not pairs of targets and predictions.
_OF_VALUES = (metrics_module.Mean.update_state, metrics_module.Sum.update_state)

# What a metric that needs values meets where there are none. With `run_eagerly` there are.
_NEEDS_VALUES = jax.errors.JAXTypeError


def _check_takes_weights(metric):
    try:
        inspect.signature(metric.update_state).bind(None, None, None)
    except TypeError:
        raise UserTypeError(
            f"{_described(metric, 'update_state')()} takes no weights, and is given some as one of "
            "`weighted_metrics`. Define `def update_state(self, y_true, y_pred, "
            "sample_weight=None)`, or name it in `metrics`."
        ) from None


def _another(metric: Metric) -> Metric:
    """A metric like one that has an output already: each output has a number of its own."""
    args, kwargs = metric._arguments
    another = type(metric)(*args, **kwargs)
    another.name = metric.name
    if {id(v) for v in metric.variables} & {id(v) for v in another.variables}:
        raise UserInputError(
            f"Metric {metric.name!r} is given for several outputs and shares what it was made "
            "with, so that each would show the others' numbers. Make one for each output."
        )
    return another


def _make_state(metric, y_true, y_pred):
    """Variables that the first batch would make, so that a step finds them."""
    if y_true is None or (metric.variables and not metric.may_lack_state):
        return
    has_state = bool(metric.variables)
    try:
        metric.build_on(y_true, y_pred)
    except Exception as error:
        if has_state and isinstance(error, _NEEDS_VALUES):
            return
        arguments = {"y_true": y_true, "y_pred": y_pred}
        user_code.raise_explained(error, _described(metric, "update_state"), arguments)


def _keys_of_result(metric: Metric) -> tuple[str, ...]:
    """The names of a metric's results, as far as they are known before a batch."""
    names = (metric.name,)

    def run():
        nonlocal names
        names = tuple(named_results(metric.name, lending.call_abstractly(metric.result)))

    if not registry.is_builtin(type(metric)):
        try:
            jax.eval_shape(run)
        except _NEEDS_VALUES:
            pass
        except Exception as error:
            user_code.raise_explained(error, _described(metric, "result"))
    return names


def _is_binary_loss(loss: Loss) -> bool:
    # By name, not by `expectation_of`: a user's own `MyBinaryCrossentropy` has declared nothing.
    name = type(loss).__name__ + getattr(getattr(loss, "fn", None), "__name__", "")
    name = name.lower().replace("_", "")
    return "binarycrossentropy" in name or "binaryfocal" in name


def _takes_logits(loss: Loss) -> bool:
    options = getattr(loss, "_fn_kwargs", {})  # of a loss that wraps a function
    return bool(getattr(loss, "from_logits", False) or options.get("from_logits", False))
