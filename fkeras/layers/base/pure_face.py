"""`PureFace`: the layer as pure functions of a dict of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core import tracebacks
from fkeras.core.randomness import process_generator
from fkeras.layers.base import pure, pure_init

if TYPE_CHECKING:
    from collections.abc import Sequence

    import jax

    from fkeras.layers.base.call_target import Method
    from fkeras.layers.base.pure import Rngs
    from fkeras.layers.base.variables_tree import Variables
    from fkeras.types import ArrayLike


class PureFace:
    """`init` and `apply`, and Keras's own pure form, `stateless_call`."""

    @tracebacks.filtered
    def init(self, key: jax.Array, *inputs: Any, **named_inputs: Any) -> Variables:
        """The layer's variables as a pure function of a key: traceable, also under `vmap` over
        keys.

        The object gets its Variables (shapes only) and keeps its own values, if it has any. A later
        `init` with other input shapes must fit the weights that are there; shapes that do not are
        an error, since one object has one set of shapes.

        Args:
            key: a JAX PRNG key.
            *inputs: arrays, `ShapeDtypeStruct`s, KerasTensors or plain shapes such as `(2, 3)`, in
                the order of `call`.
            **named_inputs: the same, by argument name.

        Returns:
            `{"params": {...}, "state": {...}}`: nested dicts of arrays by readable names. `params`
            are the weights made to be trained, `state` is the rest (moving means and the like).

        Raises:
            UserInputError: the inputs do not fit.

        Examples:
            >>> import fkeras, jax
            >>> variables = fkeras.layers.Dense(4).init(jax.random.key(0), (2, 3))
            >>> jax.tree.map(lambda a: a.shape, variables)
            {'params': {'bias': (4,), 'kernel': (3, 4)}, 'state': {}}
        """
        return pure_init.init(self, key, inputs, named_inputs)

    @tracebacks.filtered
    def apply(
        self,
        variables: Variables,
        *inputs: Any,
        training: bool | None = None,
        rngs: Rngs = None,
        method: Method | None = None,
        mask: Any = None,
        capture: str | Sequence[str] | None = None,
        return_losses: bool = False,
        return_mask: bool = False,
        **named_inputs: Any,
    ) -> Any:
        """The layer's computation as a pure function of `variables`: nothing on the object changes.

        Works under `jit`, `grad`, `vmap`, `scan`, `checkpoint`, `shard_map`, in any nesting. All
        that counts comes in by the arguments: a hidden mask on an input is not read, and none is
        attached to the outputs.

        Args:
            variables: what `init` returned, or the same structure with other arrays. Where their
                float dtype is not the layer's own, it decides what is computed in, unless the
                dtype policy is a mixed one.
            *inputs: arguments of `call`.
            training: None for the layer's default (inference).
            rngs: a JAX key (or a dict with one), needed where the call draws random numbers.
            method: what is called instead of the layer: the name of a method or sub-layer
                (`"encode"`, `"encoder.head"`), a sub-layer, a method, or a function that takes the
                layer first. The layer must be built.
            mask: mask of the first input (boolean, its leading axes), for layers that use one.
            capture: path of a layer, or several, with `*` and `?` as in file names: their outputs
                are returned too.
            return_losses: also return the list of `add_loss` and regularization values.
            return_mask: also return the mask of the outputs, or None.
            **named_inputs: further arguments of `call`.

        Returns:
            `(outputs, new_state)`, where `new_state` replaces `variables["state"]`; behind them, in
            this order, what was asked for: the list of losses, the mask, the captured outputs (a
            dict from path to the list of the outputs of its calls).

        Raises:
            UserInputError: variables are missing, too many or of the wrong shape (all are named).
            PureCallError: the call reads a trainable variable that it was not given, or writes
                state where it cannot come out.

        Examples:
            >>> import fkeras, jax, jax.numpy as jnp
            >>> layer = fkeras.layers.Dense(2, use_bias=False)
            >>> variables = {"params": {"kernel": jnp.ones((3, 2))}, "state": {}}
            >>> layer.apply(variables, jnp.ones((1, 3)))[0].tolist()
            [[3.0, 3.0]]
        """
        options = pure.CallOptions(
            training, pure.key_of(rngs), method=method, mask=mask, with_losses=return_losses
        )
        result, state = pure.apply(self, variables, inputs, named_inputs, options, capture)
        extras = []
        if return_losses:
            extras.append(result.losses)
        if return_mask:
            extras.append(result.masks)
        if capture is not None:
            extras.append(options.capture.outputs)
        return (result.outputs, state, *extras)

    @property
    def build_key(self) -> jax.Array:
        """The key that the facade drew this object's weights from: `init(build_key, x)` gives the
        same, bit for bit.
        """
        if self._info.root_key is None:
            self._info.root_key = process_generator.next_root_key()
        return self._info.root_key.key

    @tracebacks.filtered
    def stateless_call(
        self,
        trainable_variables: Sequence[ArrayLike],
        non_trainable_variables: Sequence[ArrayLike],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Keras's pure form of a call, on lists of values in the order of `trainable_variables` and
        `non_trainable_variables`.

        Returns:
            `(outputs, new_non_trainable_variables)`, with `return_losses` also the list of losses.
        """
        return pure.stateless_call(
            self, trainable_variables, non_trainable_variables, args, kwargs, return_losses
        )
