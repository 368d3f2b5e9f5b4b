"""`PureFace`: the layer as pure functions of a dict of arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core import tracebacks
from fkeras.core.randomness import process_generator
from fkeras.layers.base import pure, pure_init, selecting, tabulating, variables_exchange

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
            rngs: a JAX key, needed where the call draws random numbers; or a dict of keys by the
                names of streams. The layers of fkeras draw from "dropout", a `SeedGenerator` and a
                Flax module from the streams that they name. Whose stream is not there draws from
                "default", and what names none from "default", else "dropout".
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
            training, pure.keys_of(rngs), method=method, mask=mask, with_losses=return_losses
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

    @tracebacks.filtered
    def get_variables(self) -> Variables:
        """The values that the object has now, in the structure that `init` returns: to go from the
        facade (trained, loaded, built) to `apply` and one's own loop.

        Returns:
            `{"params": {...}, "state": {...}}` of copies, which may be donated.

        Raises:
            NotBuiltError: the layer has no variables yet.

        Examples:
            >>> import fkeras, numpy as np
            >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
            >>> x = np.ones((1, 3), "float32")
            >>> outputs, _ = model.apply(model.get_variables(), x)
            >>> bool((outputs == model(x)).all())
            True
        """
        return variables_exchange.get_variables(self)

    @tracebacks.filtered
    def set_variables(self, variables: Variables) -> None:
        """Takes over the values of `init`'s structure: to go from one's own loop back to the facade
        (`predict`, `save`). All are checked before any is set, and copied.

        Args:
            variables: as `init` and `get_variables` return it, with the layer's own dtypes.

        Raises:
            NotBuiltError: the layer has no variables yet.
            UserInputError: what is missing, too much, or of another shape or dtype (all are named).

        Examples:
            >>> import fkeras, jax, numpy as np
            >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
            >>> variables = model.init(jax.random.key(0))
            >>> model.set_variables(jax.tree.map(np.ones_like, variables))
            >>> np.asarray(model(np.ones((1, 3)))).tolist()
            [[4.0, 4.0]]
        """
        variables_exchange.set_variables(self, variables)

    @tracebacks.filtered
    def tabulate(self, *inputs: Any, training: bool | None = None, **named_inputs: Any) -> str:
        """The layer and all below it as a table: paths, classes, outputs, own params and state with
        their shapes and dtypes, counts. Made from shapes alone: nothing is computed or drawn.

        Args:
            *inputs: arrays, `ShapeDtypeStruct`s or shapes, as for `init`; none for a built layer,
                whose outputs are then left out.
            training: as for `apply`.
            **named_inputs: further arguments of `call`.

        Returns:
            The table as text. A layer that is called n times has an `xn` behind its outputs.

        Raises:
            NotBuiltError: the layer is not built, and no inputs are given.
            UserInputError: the inputs do not fit, or have sizes that are not known.

        Examples:
            >>> import fkeras
            >>> model = fkeras.Sequential([fkeras.layers.Dense(2), fkeras.layers.ReLU()])
            >>> print(model.tabulate((8, 3)))
            -------------------------------------------------------------------
            path         layer       outputs        params                count
            -------------------------------------------------------------------
            sequential   Sequential  float32[8, 2]
            input_layer  InputLayer
            dense        Dense       float32[8, 2]  kernel float32[3, 2]      8
                                                    bias float32[2]
            re_lu        ReLU        float32[8, 2]
            -------------------------------------------------------------------
            <BLANKLINE>
            trainable params: 8 (32 B)
            total: 8 (32 B)
        """
        return tabulating.tabulate(self, inputs, named_inputs, training)

    def trainable_mask(self) -> dict[str, Any]:
        """True for each of `params` that training changes by the `trainable` flags as they are now:
        for `optax.masked`, or `fkeras.tree.partition`.

        Returns:
            Nested dicts as `variables["params"]` is, of bools.

        Raises:
            NotBuiltError: the layer has no params yet.

        Examples:
            >>> import fkeras
            >>> head = fkeras.layers.Dense(2, name="head")
            >>> fixed = fkeras.layers.Dense(2, name="fixed", trainable=False)
            >>> fkeras.Sequential([fkeras.Input((3,)), fixed, head]).trainable_mask()
            {'fixed': {'kernel': False, 'bias': False}, 'head': {'kernel': True, 'bias': True}}
        """
        return selecting.trainable_mask(self)

    def params_mask(self, where: selecting.Item | Sequence[selecting.Item]) -> dict[str, Any]:
        """True for each of `params` that is meant, in the structure of `variables["params"]`.

        Args:
            where: a layer below this one (all its weights), a weight, a path with `*` and `?` as in
                file names (`"encoder"` means all below it), a function `(path, weight) -> bool`, or
                a list of these, of which one must hold.

        Raises:
            NotBuiltError: the layer has no params yet.
            UserInputError: no path fits, or the layer is not below this one.

        Examples:
            >>> import fkeras
            >>> head = fkeras.layers.Dense(2, name="head")
            >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(4), head])
            >>> model.params_mask(head)
            {'dense': {'kernel': False, 'bias': False}, 'head': {'kernel': True, 'bias': True}}
            >>> model.params_mask("*/kernel")
            {'dense': {'kernel': True, 'bias': False}, 'head': {'kernel': True, 'bias': False}}
        """
        return selecting.params_mask(self, where)

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
