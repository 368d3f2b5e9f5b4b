"""How masks come to a layer's call and leave it: they travel beside the tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.nested import flatten, map_structure, sorted_keys
from fkeras.core.values import lending, masks
from fkeras.core.warn_once import warn_user
from fkeras.errors import PureCallError
from fkeras.layers.base import nested

if TYPE_CHECKING:
    import jax

    from fkeras.layers.base.context import CallContext
    from fkeras.layers.base.layer import Layer
    from fkeras.layers.base.signature import CallSignature
    from fkeras.types import Nested


def fill_masks(
    layer: Layer,
    signature: CallSignature,
    arguments: dict[str, Any],
    context: CallContext | None,
) -> None:
    """Masks that arrive on the inputs fill `mask` (of the first input) or `<input>_mask` where the
    caller gave none.

    Args:
        layer: whose call it is.
        signature: of the layer's `call`.
        arguments: the call's arguments by name; masks are added to it.
        context: of the call around, or None.

    Raises:
        PureCallError: there are masks in the call around that cannot come into the inner
            transformation in which the layer is called.
    """
    if not signature.mask_names:
        return
    tensors = {
        name: value
        for name, value in arguments.items()
        if name not in signature.mask_names and nested.holds_tensor(value)
    }
    for name in signature.mask_names:
        if arguments.get(name) is not None:
            continue
        source = next(iter(tensors), None) if name == "mask" else name.removesuffix("_mask")
        if source in tensors:
            mask = map_structure(masks.get_mask, tensors[source])
            if any(m is not None for m in flatten(mask)):
                arguments[name] = mask
            elif name not in arguments and _is_cut_off(context):
                raise PureCallError(
                    f"Layer '{layer.name}' ({type(layer).__name__}) uses masks and is called "
                    "inside a transformation of JAX (jit, checkpoint, scan, vmap, grad), which "
                    "knows of arrays alone: a mask in the call around it cannot come in. Pass it "
                    f"(`{name}=`; None says that there is none), or use `fkeras.remat`, "
                    "`fkeras.lift` and the loops of `fkeras.ops`, which carry masks."
                )


def _is_cut_off(context: CallContext | None) -> bool:
    """Whether a computing call is inside a transformation, and masks of the call around are not."""
    if context is None or lending.in_abstract_call():
        return False
    return context.has_masks_outside()


def pass_masks(
    layer: Layer,
    arguments: dict[str, Any],
    outputs: Nested[jax.Array],
    overrides_compute_mask: bool,
) -> bool:
    """Puts the mask that `compute_mask` returns on the outputs, unless `call` has put one there.

    A layer that knows nothing of masks (neither `supports_masking` nor a `compute_mask` of its own)
    drops one with a warning.

    Returns:
        Whether there are masks on the inputs or outputs.
    """
    first = next(iter(arguments.values()), None)
    arrived = arguments.get("mask")
    if arrived is None and nested.holds_tensor(first):
        arrived = map_structure(masks.get_mask, first)
    has_mask = any(m is not None for m in flatten(arrived))
    if not layer.supports_masking and not overrides_compute_mask:
        if has_mask:
            _warn_of_dropped_mask(layer)
        return has_mask
    if not (has_mask or overrides_compute_mask):
        return False
    tensors = flatten(outputs)
    if all(masks.get_mask(tensor) is not None for tensor in tensors):
        return True
    computed = layer.compute_mask(first, arrived)
    for tensor, mask in zip(tensors, mask_leaves(computed, len(tensors))):
        if mask is not None and masks.get_mask(tensor) is None:
            masks.set_mask(tensor, mask)
            has_mask = True
    return has_mask


def _warn_of_dropped_mask(layer: Layer) -> None:
    warn_user(
        f"Layer '{layer.name}' (of type {type(layer).__name__}) was passed an input with a mask "
        "attached to it. However, this layer does not support masking and will therefore destroy "
        "the mask information. Downstream layers will not see the mask."
    )


def mask_leaves(computed: Nested[jax.Array | None], count: int) -> list[jax.Array | None]:
    """One mask for each of `count` outputs from what `compute_mask` returned: a single mask stands
    for all, a short list leaves the rest without one.
    """
    if isinstance(computed, dict):
        return [computed[key] for key in sorted_keys(computed)]
    if not isinstance(computed, (list, tuple)):
        return [computed] * count
    flat: list = []
    for item in computed:
        flat += mask_leaves(item, 1) if isinstance(item, (list, tuple)) else [item]
    return flat + [None] * (count - len(flat))
