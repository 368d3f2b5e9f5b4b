"""The loss that `compile` was given, resolved against a model's outputs."""

import jax.numpy as jnp

from fkeras import losses as losses_module
from fkeras import metrics as metrics_module
from fkeras.core import names, settings
from fkeras.errors import UserInputError, UserTypeError
from fkeras.training.outputs import OutputNames, is_nested


class Term:
    """One loss of one output."""

    __slots__ = ("output", "loss", "weight", "name", "tracker")

    def __init__(self, output, loss, weight, name):
        self.output, self.loss, self.weight, self.name, self.tracker = (
            output,
            loss,
            weight,
            name,
            None,
        )


class CompiledLoss:
    """Sum over outputs of weight x loss; with several outputs, each loss has a tracker of its own.

    Args:
        loss: name, object or function; list in the order of outputs or dict by output name.
        loss_weights: None, a float, or a list or dict like `loss`.
        output_names: the model's, or None.

    Raises:
        UnknownNameError: a loss name that nothing is registered under.
    """

    def __init__(self, loss, loss_weights=None, output_names=None):
        if loss_weights is not None and not isinstance(
            loss_weights, (list, tuple, dict, float, int)
        ):
            raise UserInputError(
                "Expected `loss_weights` argument to be a float (single output case) or a list, "
                "tuple, or dict (multiple output case). Received instead: "
                f"loss_weights={loss_weights} of type {type(loss_weights)}"
            )
        self.given, self.given_weights, self.output_names = loss, loss_weights, output_names
        self.terms: list[Term] | None = None
        for one in _each(loss):
            if isinstance(one, str) and one.lower() not in _BY_SHAPE:
                losses_module.get(one)
            elif one is not None and not isinstance(one, (str, dict)) and not callable(one):
                raise UserTypeError(
                    "`loss` must be a name, a Loss object or a function (y_true, y_pred) -> loss. "
                    f"Received: {one!r}"
                )

    @property
    def built(self):
        return self.terms is not None

    @property
    def metrics(self):
        return [t.tracker for t in self.terms or () if t.tracker is not None]

    def described(self) -> str:
        """The names of the losses, for messages."""
        return ", ".join(repr(term.loss._described()) for term in self.terms or ())

    def build(self, y_true, y_pred):
        """Resolves which loss belongs to which output."""
        self.outputs = OutputNames(y_pred, self.output_names)
        chosen, weights = self._choose()
        trues = self.outputs.targets(y_true, "y", [c is not None for c in chosen])
        preds = self.outputs.predictions(y_pred)
        terms = []
        for i, (choice, weight) in enumerate(zip(chosen, weights)):
            for one in choice if isinstance(choice, (list, tuple)) else [choice]:
                if one is None:
                    continue
                loss = resolve(one, trues[i], preds[i])
                terms.append(Term(i, loss, weight, self.outputs.names[i] or loss.name))
        if not terms:
            raise UserInputError(
                f"`loss={self.given!r}` gives no output a loss: there is nothing to minimise."
            )
        if len(terms) > 1:
            for term in terms:
                term.tracker = metrics_module.Mean(name=f"{term.name}_loss")
        self.terms = terms

    def _choose(self):
        given, weights, outputs = self.given, self.given_weights, self.outputs
        if outputs.single:
            if isinstance(given, dict):
                given = outputs.spread(given, "loss")[0]
            weights = next(iter(weights.values())) if isinstance(weights, dict) else weights
            if isinstance(weights, (list, tuple)) and not isinstance(given, (list, tuple)):
                weights = weights[0]
            return [given], [weights]
        if isinstance(given, dict):
            missing = object()
            chosen = outputs.spread(given, "loss", default=lambda: missing)
            lacking = [n for n, c in zip(outputs.shown(), chosen) if c is missing]
            if lacking:
                raise UserInputError(
                    f"The `loss` dict has no entry for the outputs {lacking}, which would not be "
                    f"trained. If that is meant, write it: {{{lacking[0]!r}: None}}."
                )
        else:
            chosen = outputs.spread(given, "loss")
        if isinstance(weights, (list, tuple)) and len(weights) != len(outputs):
            raise UserInputError(
                f"`loss_weights` must match the number of losses, got {len(outputs)} losses and "
                f"{len(weights)} weights."
            )
        return chosen, outputs.spread(weights, "loss_weights")

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The total as a float32 scalar. Updates the trackers of the single losses."""
        if not self.built:
            self.build(y_true, y_pred)
        needed = [False] * len(self.outputs)
        for term in self.terms:
            needed[term.output] = True
        trues = self.outputs.targets(y_true, "y", needed)
        preds = self.outputs.predictions(y_pred)
        weights = spread_weights(self.outputs, sample_weight, needed)
        total = None
        for i, term in enumerate(self.terms):
            y_t, y_p = trues[term.output], preds[term.output]
            if y_t is None:
                raise UserInputError(
                    f"The output {self.outputs.shown()[term.output]!r} has the loss "
                    f"{term.loss.name!r}, but no targets were given for it."
                )
            value = jnp.asarray(term.loss(y_t, y_p, weights[term.output]))
            if value.ndim:
                value = jnp.mean(value)
            value = value.astype(settings.floatx())
            if term.tracker is not None:
                term.tracker.update_state(value, sample_weight=y_p.shape[0] if y_p.shape else 1)
            weight = term.weight[i] if isinstance(term.weight, (list, tuple)) else term.weight
            value = value if weight is None else value * weight
            total = value if total is None else total + value
        return total


def spread_weights(outputs, sample_weight, needed=None):
    """Sample weights, one entry for each output; a single array serves all."""
    if not is_nested(sample_weight):
        return [sample_weight] * len(outputs)
    if isinstance(sample_weight, (list, tuple)) and len(sample_weight) == 1:
        return [sample_weight[0]] * len(outputs)
    return outputs.targets(sample_weight, "sample_weight", needed)


_BY_SHAPE = ("crossentropy", "ce")


def _each(loss):
    if isinstance(loss, dict):
        return [one for v in loss.values() for one in _each(v)]
    if isinstance(loss, (list, tuple)):
        return [one for v in loss for one in _each(v)]
    return [loss]


def resolve(identifier, y_true, y_pred):
    """A Loss object from a name, a function or an object; `'crossentropy'` by the shapes."""
    if isinstance(identifier, str) and identifier.lower() in _BY_SHAPE:
        binary, sparse = binary_or_sparse(y_true, y_pred)
        identifier = (
            "binary_crossentropy"
            if binary
            else "sparse_categorical_crossentropy"
            if sparse
            else "categorical_crossentropy"
        )
    loss = losses_module.get(identifier)
    if isinstance(loss, losses_module.Loss):
        return loss
    name = identifier if isinstance(identifier, str) else names.object_name(loss)
    return losses_module.LossFunctionWrapper(loss, name=name)


def binary_or_sparse(y_true, y_pred):
    """(one output unit, integer class ids) from shapes."""
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    binary = bool(pred) and pred[-1] == 1
    sparse = len(true) < len(pred) or (bool(true) and true[-1] == 1 and pred[-1] > 1)
    return binary, sparse
