"""`Adapting`: low-rank adapters for the layers of a model, all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flax import nnx

from fkeras.core import tracebacks
from fkeras.core.values import trainable_scope
from fkeras.core.values.variable_info import info_of
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.layers.base import tracking
from fkeras.layers.base.low_rank import LowRankAdaptable, checked_rank
from fkeras.saving import adapters
from fkeras.tree import selection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fkeras.layers import Layer
    from fkeras.training.compiled import Compiled
    from fkeras.types import Identifier, PathLike

    Item = str | Layer | Callable[[str, Layer], bool]


class Adapting:
    """Enabling, merging, saving and loading of adapters."""

    _compiled: Compiled

    @tracebacks.filtered
    def enable_lora(
        self,
        rank: int,
        where: Item | Sequence[Item] | None = None,
        lora_alpha: float | None = None,
        a_initializer: Identifier = "he_uniform",
        b_initializer: Identifier = "zeros",
        freeze: bool = True,
    ) -> list[str]:
        """Gives layers low-rank adapters, which are trained in place of their weights.

        All layers are looked at before any is changed. Call `compile` after it: an optimizer that
        has been used is for the weights that were trained before.

        Args:
            rank: of the adapters, at least 1.
            where: a structural path (`'encoder/block_0/query'`), with `*`, `?` and `[...]` as in
                file names; one that leads to a layer means all below it. Or a layer, or a function
                `(path, layer) -> bool`, or a list of these. None for all `Dense`, `EinsumDense`,
                `Embedding`, `Conv1D`, `Conv2D` and `Conv3D` layers that can have adapters.
            lora_alpha, a_initializer, b_initializer: see `Dense.enable_lora`.
            freeze: whether nothing but adapters is trained from now on: layers without adapters
                get `trainable = False`, and so do the biases of those with them, so that a file of
                adapters has all that training changed.

        Returns:
            The structural paths of the layers that have adapters now.

        Raises:
            NotBuiltError: the model has no weights yet.
            UserInputError: no layer is meant, or one that is meant cannot have adapters.

        References:
            Hu et al., 2021, https://arxiv.org/abs/2106.09685

        Examples:
            >>> import fkeras
            >>> from fkeras import layers
            >>> model = fkeras.Sequential([layers.Dense(64, name="wide"), layers.Dense(2)])
            >>> model.build((None, 32))
            >>> model.enable_lora(4, where="wide")
            ['wide']
            >>> [v.path for v in model.trainable_variables]
            ['sequential/wide/lora_kernel_a', 'sequential/wide/lora_kernel_b']
        """
        if not self.built:
            raise NotBuiltError(
                f"`enable_lora`: model '{self.name}' has no weights yet. Call it on data, or "
                "`build(shape)`."
            )
        checked_rank(self, rank)
        chosen = _chosen(self, where)
        for _, layer in chosen:
            layer.enable_lora(rank, lora_alpha, a_initializer, b_initializer)
        if freeze:
            _freeze_others(self)
        self._compiled.take_flags(self)
        return [path for path, _ in chosen]

    @tracebacks.filtered
    def merge_lora(self) -> None:
        """Adds all adapters to the weights that they are of, and removes them. What `enable_lora`
        froze stays frozen until `trainable = True`.

        Raises:
            UserInputError: the model has no adapters.
        """
        adapted = [layer for _, layer in _adaptable(self) if layer.lora_enabled]
        if not adapted:
            raise UserInputError(
                f"`merge_lora`: model '{self.name}' has no adapters. `enable_lora(rank)` makes "
                "them."
            )
        for layer in adapted:
            layer.merge_lora()
        self._compiled.take_flags(self)

    @tracebacks.filtered
    def save_lora_weights(self, filepath: PathLike) -> None:
        """Saves the adapters alone, for `load_lora_weights` on a model with the same other weights.
        Weights that were trained beside them (`enable_lora(freeze=False)`) are not in the file.

        Args:
            filepath: `name.safetensors`.

        Raises:
            UserInputError: the model has no adapters.
        """
        adapters.save_adapters(self, filepath)

    @tracebacks.filtered
    def load_lora_weights(self, filepath: PathLike) -> None:
        """Takes adapters from a file that `save_lora_weights` wrote. Layers that have none get
        them. All are checked before any is set.

        Args:
            filepath: `name.safetensors`.

        Raises:
            IncompatibleFileError: layers, shapes or ranks that do not fit; lists all of them.
        """
        adapters.load_adapters(self, filepath)
        self._compiled.take_flags(self)


def _adaptable(model: Any) -> list[tuple[str, Any]]:
    """(path, layer) for the layers of a model that adapters are made for."""
    return [
        ("/".join(path), layer)
        for path, layer in tracking.structure_of(model).layers
        if isinstance(layer, LowRankAdaptable) and layer.built
    ]


def _chosen(model: Any, where: Any) -> list[tuple[str, Any]]:
    """The layers that are meant.

    Raises:
        UserInputError: there is none, or one cannot have adapters.
    """
    adaptable = _adaptable(model)
    if where is None:
        chosen = [(path, layer) for path, layer in adaptable if layer._why_not_adapted() is None]
    else:
        items = list(where) if isinstance(where, (list, tuple)) else [where]
        meant: set[int] = set()
        for item in items:
            meant |= _meant(model, item, adaptable)
        chosen = [(path, layer) for path, layer in adaptable if id(layer) in meant]
    if not chosen:
        raise UserInputError(
            f"`enable_lora`: model '{model.name}' has no layer that adapters can be made for"
            f"{'' if where is None else f' by where={where!r}'}: a built `Dense`, `EinsumDense`, "
            "`Embedding`, `Conv1D`, `Conv2D` or `Conv3D` without constraint of its weight."
        )
    for path, layer in chosen:
        reason = layer._why_not_adapted()
        if layer.lora_enabled:
            reason = f"lora is already enabled, with rank {layer.lora_rank}"
        if reason is not None:
            raise UserInputError(f"`enable_lora`: layer '{path}' of '{model.name}': {reason}")
    return chosen


def _meant(model: Any, item: Any, adaptable: list[tuple[str, Any]]) -> set[int]:
    """The ids of the layers that a pattern, a layer or a function means."""
    if isinstance(item, str):
        meant = {id(layer) for path, layer in adaptable if selection.fits(path, item)}
        if not meant:
            raise selection.no_path_fits(item, [path for path, _ in adaptable])
        return meant
    if hasattr(item, "_info"):
        family = {id(layer) for layer in item._flatten_layers()}
        meant = {id(layer) for _, layer in adaptable if id(layer) in family}
        if not meant:
            raise UserInputError(
                f"`enable_lora`: model '{model.name}' has no layer '{item.name}' that adapters can "
                "be made for."
            )
        return meant
    if callable(item):
        return {id(layer) for path, layer in adaptable if item(path, layer)}
    raise UserTypeError(
        "`enable_lora` takes paths such as 'encoder/*', layers, functions of path and layer, or a "
        f"list of them as `where`. Received: {item!r}"
    )


def _freeze_others(model: Any) -> None:
    """Stops the training of all that is no adapter. Layers that have adapters, or layers with them
    inside, keep their own flag, without which adapters would not be trained.
    """
    family = model._flatten_layers()
    adapters_of = {id(layer): layer._adapters for layer in family if _is_adapted(layer)}
    kept = {id(adapter) for pair in adapters_of.values() for adapter in pair}
    for layer in family:
        if not any(map(_is_adapted, layer._flatten_layers())):
            trainable_scope.set_trainable(layer._info, False)
        for _, child in tracking.direct_children(layer):
            if isinstance(child, nnx.Param) and id(child) not in kept:
                trainable_scope.set_trainable(info_of(child), False)


def _is_adapted(layer: Any) -> bool:
    return getattr(layer, "lora_enabled", False)
