"""The metrics that `compile` was given, resolved against a model's outputs."""

from fkeras import metrics as metrics_module
from fkeras.core import names
from fkeras.errors import UserInputError
from fkeras.training.compiled_loss import binary_or_sparse, spread_weights
from fkeras.training.outputs import OutputNames


class CompiledMetrics(metrics_module.Metric):
    """All compiled metrics as one: updated together, their results in one dict by the names that
    History shows.

    Args:
        metrics, weighted_metrics: None, a list (for one output, or for all), a list of lists, or a
            dict by output name.
        output_names: the model's, or None.
        loss: the `CompiledLoss`, which tells what 'accuracy' means.

    Raises:
        UnknownNameError: at once, for a metric name that nothing is registered under.
    """

    def __init__(self, metrics, weighted_metrics, output_names=None, loss=None):
        super().__init__(name="compile_metrics")
        for what, given in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if given and not isinstance(given, (list, tuple, dict)):
                raise UserInputError(
                    f"Expected `{what}` argument to be a list, tuple, or dict. Received instead: "
                    f"{what}={given} of type {type(given)}"
                )
            for one in _each(given):
                known = (
                    isinstance(one, str)
                    and one.lower() in _BY_SHAPE
                    or isinstance(one, dict)
                    or callable(one)
                )
                if not known:
                    metrics_module.get(one)
        self.given, self.given_weighted, self.output_names, self.loss = (
            metrics,
            weighted_metrics,
            output_names,
            loss,
        )
        self.entries = None  # (output index, weighted, metric)

    @property
    def built(self):
        return self.entries is not None

    @built.setter
    def built(self, value):
        """Metric's own bookkeeping; being built is having entries."""

    @property
    def metrics(self):
        return [m for _, _, m in self.entries or ()]

    @property
    def variables(self):
        return [v for m in self.metrics for v in m.variables]

    def build(self, y_true, y_pred):
        """Resolves which metric belongs to which output."""
        outputs = self.outputs = OutputNames(y_pred, self.output_names)
        trues, preds = outputs.targets(y_true, "y"), outputs.predictions(y_pred)
        entries = []
        for given, weighted in ((self.given, False), (self.given_weighted, True)):
            for i, chosen in enumerate(
                self._spread(given, "weighted_metrics" if weighted else "metrics")
            ):
                for one in chosen if isinstance(chosen, (list, tuple)) else [chosen]:
                    if one is not None:
                        metric = self._resolve(one, trues[i], preds[i], i)
                        if not metric.variables and trues[i] is not None:
                            metric.build_on(
                                trues[i], preds[i]
                            )  # state that the first batch would make
                        entries.append((i, weighted, metric))
        self.entries = entries
        self.names = self._names(outputs)

    def _spread(self, given, what):
        outputs = self.outputs
        if not given:
            return [None] * len(outputs)
        if isinstance(given, dict):
            return outputs.spread(given, what)
        if outputs.single:
            return [
                [m for one in given for m in (one if isinstance(one, (list, tuple)) else [one])]
            ]
        if len(given) == len(outputs) and (
            any(isinstance(g, (list, tuple)) or g is None for g in given) or len(given) > 1
        ):
            return list(given)
        if any(isinstance(g, (list, tuple)) for g in given):
            raise UserInputError(
                f"`{what}` has {len(given)} entries, but the model has {len(outputs)} outputs: "
                f"{outputs.shown()}."
            )
        return [list(given)] * len(outputs)  # one flat list: each output has them all

    def _resolve(self, identifier, y_true, y_pred, index):
        if isinstance(identifier, str) and identifier.lower() in _BY_SHAPE:
            return self._by_shape(identifier, y_true, y_pred, index)
        metric = metrics_module.get(identifier)
        if not isinstance(metric, metrics_module.Metric):
            name = identifier if isinstance(identifier, str) else names.object_name(metric)
            metric = metrics_module.MeanMetricWrapper(metric, name=name)
        elif isinstance(identifier, str):
            metric.name = identifier
        return metric

    def _by_shape(self, identifier, y_true, y_pred, index):
        """'accuracy' and 'crossentropy' by the output's loss where it tells, else by the shapes."""
        binary, sparse = binary_or_sparse(y_true, y_pred)
        from_logits = False
        for term in self.loss.terms if self.loss is not None and self.loss.terms else ():
            if term.output == index:
                kind = type(term.loss).__name__ + getattr(
                    getattr(term.loss, "fn", None), "__name__", ""
                )
                lowered = kind.lower().replace("_", "")
                binary = binary or "binarycrossentropy" in lowered or "binaryfocal" in lowered
                from_logits = bool(
                    getattr(term.loss, "from_logits", False)
                    or getattr(term.loss, "_fn_kwargs", {}).get("from_logits", False)
                )
        kind = identifier.lower()
        if kind in ("accuracy", "acc"):
            if binary:
                return metrics_module.BinaryAccuracy(
                    name=identifier, threshold=0.0 if from_logits else 0.5
                )
            return (
                metrics_module.SparseCategoricalAccuracy
                if sparse
                else metrics_module.CategoricalAccuracy
            )(name=identifier)
        if binary:
            return metrics_module.BinaryCrossentropy(name=identifier, from_logits=from_logits)
        return (
            metrics_module.SparseCategoricalCrossentropy
            if sparse
            else metrics_module.CategoricalCrossentropy
        )(name=identifier, from_logits=from_logits)

    def _names(self, outputs):
        names, counts = [], {}
        for i, weighted, metric in self.entries:
            prefix = f"{outputs.names[i]}_" if outputs.names[i] and len(outputs) > 1 else ""
            name = f"{prefix}{metric.name}"
            if name in counts and weighted:
                name = f"{prefix}weighted_{metric.name}"
            count = counts.get(name, 0)
            counts[name] = count + 1
            names.append(f"{name}_{count}" if count else name)
        return names

    def update_state(self, y_true, y_pred, sample_weight=None):
        if not self.built:
            self.build(y_true, y_pred)
        needed = [False] * len(self.outputs)
        for i, _, _ in self.entries:
            needed[i] = True
        trues = self.outputs.targets(y_true, "y", needed)
        preds = self.outputs.predictions(y_pred)
        weights = spread_weights(self.outputs, sample_weight, needed)
        for i, weighted, metric in self.entries:
            if trues[i] is None:
                continue
            if weighted:
                metric.update_state(trues[i], preds[i], weights[i])
            else:
                metric.update_state(trues[i], preds[i])

    def reset_state(self):
        for metric in self.metrics:
            metric.reset_state()

    def result(self):
        """Results by name."""
        if not self.built:
            raise UserInputError("The compiled metrics have no result yet: no batch has been seen.")
        return {name: metric.result() for name, (_, _, metric) in zip(self.names, self.entries)}


_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def _each(given):
    if isinstance(given, dict):
        return [one for v in given.values() for one in _each(v)]
    if isinstance(given, (list, tuple)):
        return [one for v in given for one in _each(v)]
    return [] if given is None else [given]
