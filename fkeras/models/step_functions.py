"""`StepFunctions`: compiled steps on lists of values, for loops written for Keras."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from fkeras.training.outside import JittedStep

if TYPE_CHECKING:
    from fkeras.training.compiled import Compiled


def _joined(outputs):
    """The outputs of several batches below each other."""
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *outputs)


class StepFunctions:
    """`make_train_function` and its kin."""

    _compiled: Compiled

    train_function = property(
        lambda self: self._compiled.step_functions.get("train"),
        doc="What `make_train_function` made, or None.",
    )
    test_function = property(
        lambda self: self._compiled.step_functions.get("test"),
        doc="What `make_test_function` made, or None.",
    )
    predict_function = property(
        lambda self: self._compiled.step_functions.get("predict"),
        doc="What `make_predict_function` made, or None.",
    )

    def make_train_function(self, force: bool = False) -> Callable:
        """A function (state, iterator of batches) -> (logs, state) that runs `train_step`,
        compiled. `force`: whether it is made anew.
        """
        return self._make_function("train", self.train_step, force)

    def make_test_function(self, force: bool = False) -> Callable:
        """A function (state, iterator of batches) -> (logs, state) that runs `test_step`,
        compiled. `force`: whether it is made anew.
        """
        return self._make_function("test", self.test_step, force)

    def make_predict_function(self, force: bool = False) -> Callable:
        """A function (state, iterator of batches) -> (outputs, state) that runs `predict_step`,
        compiled. `force`: whether it is made anew.
        """

        def predict_step(state, batch):
            outputs, non_trainable = self.predict_step(state, batch)
            return outputs, (state[0], non_trainable)

        return self._make_function("predict", predict_step, force, join=_joined)

    def _make_function(self, kind, step, force, join=lambda results: results[-1]):
        functions = self._compiled.step_functions
        if kind not in functions or force:
            run = step if self.run_eagerly or not self.jit_compile else JittedStep(step)

            def function(state, iterator):
                results = []
                for _, batch in zip(range(self.steps_per_execution), iterator):
                    result, state = run(state, batch)
                    results.append(result)
                return join(results) if results else None, state

            functions[kind] = function
        return functions[kind]

    def jax_state_sync(self) -> None:
        """Brings the values of a running `fit` into the Variables. Reading a Variable does that by
        itself.
        """
        for variable in self.variables:
            variable.value  # noqa: B018
