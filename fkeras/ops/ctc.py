"""Connectionist temporal classification: the loss, and decoding."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from fkeras.core.symbolic.op import op
from fkeras.errors import UserInputError
from fkeras.ops.promotion import result_type
from fkeras.ops.tensors import as_array
from fkeras.types import Tensor, TensorLike


@op
def ctc_loss(
    target: TensorLike,
    output: TensorLike,
    target_length: TensorLike,
    output_length: TensorLike,
    mask_index: int = 0,
) -> Tensor:
    """-log P(target | output), summed over all alignments: one loss per sequence.

    Args:
        target: class ids, (batch, labels).
        output: logits, (batch, steps, classes).
        target_length, output_length: how many labels and steps count, (batch,).
        mask_index: the class that stands for blank.

    Returns:
        (batch,), float32 at least.

    References:
        Graves et al., 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf; computed by
            `optax.ctc_loss`.
    """
    import optax

    target, output = as_array(target), as_array(output)
    lengths = {
        "target_length": (as_array(target_length), target),
        "output_length": (as_array(output_length), output),
    }
    if target.ndim != 2 or output.ndim != 3:
        raise UserInputError(
            "ctc_loss: `target` must be (batch, labels) and `output` (batch, steps, classes). "
            f"Received: target.shape={target.shape}, output.shape={output.shape}."
        )
    paddings = []
    for name, (length, sequence) in lengths.items():
        if length.shape != output.shape[:1] or len(sequence) != len(output):
            raise UserInputError(
                f"ctc_loss: `target`, `output` and `{name}` must have the same first dimension. "
                f"Received shapes: {target.shape}, {output.shape} and {length.shape}."
            )
        # optax marks what does not count by 1.
        paddings.append((jnp.arange(sequence.shape[1])[None] >= length[:, None]).astype("float32"))
    output = output.astype(result_type(output.dtype, "float32"))
    with jax.numpy_rank_promotion("allow"):  # optax's arithmetic relies on it
        return optax.ctc_loss(
            output, paddings[1], target.astype("int32"), paddings[0], blank_id=mask_index
        )


@op
def ctc_decode(
    inputs: TensorLike,
    sequence_lengths: TensorLike,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Tensor, Tensor]:
    """Most likely label sequences.

    Args:
        inputs: logits, (batch, steps, classes).
        sequence_lengths: how many steps count, (batch,).
        strategy: `'greedy'` takes the best class of each step; `'beam_search'` sums over the
            alignments of the `beam_width` best prefixes.
        top_paths: for the beam search, how many sequences to return, at most `beam_width`.
        merge_repeated: for `'greedy'`, whether equal neighbours count once. The beam search always
            merges them.
        mask_index: the class that stands for blank; None means the last.

    Returns:
        (decoded, scores): int32 ids (paths, batch, steps) padded with -1, and (batch, paths). The
        beam search's scores are log probabilities; the greedy ones are minus the sum of the largest
        logits.
    """
    if strategy not in ("greedy", "beam_search"):
        raise UserInputError(
            f"Invalid strategy {strategy}. Supported values are 'greedy' and 'beam_search'."
        )
    inputs, sequence_lengths = as_array(inputs), as_array(sequence_lengths)
    if inputs.ndim != 3 or sequence_lengths.shape != inputs.shape[:1]:
        raise UserInputError(
            "ctc_decode: `inputs` must be (batch, steps, classes) and `sequence_lengths` "
            f"(batch,). Received: inputs.shape={inputs.shape}, "
            f"sequence_lengths.shape={sequence_lengths.shape}."
        )
    inputs = inputs.astype(result_type(inputs.dtype, "float32"))
    blank = inputs.shape[-1] - 1 if mask_index is None else mask_index
    if strategy == "greedy":
        return _greedy(inputs, sequence_lengths, merge_repeated, blank)
    if top_paths > beam_width:
        raise UserInputError(
            f"ctc_decode: top_paths={top_paths} cannot exceed beam_width={beam_width}."
        )
    decode = jax.vmap(lambda x, length: _beam_search(x, length, beam_width, top_paths, blank))
    paths, scores = decode(jax.nn.log_softmax(inputs), sequence_lengths)
    return paths.swapaxes(0, 1), scores


def _greedy(
    inputs: jax.Array, lengths: jax.Array, merge_repeated: bool, blank: int
) -> tuple[jax.Array, jax.Array]:
    """The best class of each step: ids (1, batch, steps), padded with -1, and scores (batch, 1)."""
    steps = inputs.shape[1]
    padded = jnp.arange(steps)[None] >= lengths[:, None]
    ids = jnp.where(padded, blank, jnp.argmax(inputs, axis=-1))
    scores = -jnp.sum(jnp.where(padded, 0.0, jnp.max(inputs, axis=-1)), axis=1, keepdims=True)
    dropped = ids == blank
    if merge_repeated:
        dropped = dropped.at[:, 1:].set(dropped[:, 1:] | (ids[:, 1:] == ids[:, :-1]))
    # Stable, so that labels stay in their order.
    order = jnp.argsort(dropped, axis=1, stable=True)  # what stays moves to the front
    ids = jnp.take_along_axis(jnp.where(dropped, -1, ids), order, axis=1)
    return ids[None].astype("int32"), scores


class _Beams(NamedTuple):
    """The `width` best prefixes after some steps.

    Each has the log probability of its alignments that end in its last label, and of those that
    end in a blank.
    """

    paths: jax.Array  # (width, steps), padded with -1
    sizes: jax.Array  # (width,), the prefixes' lengths
    by_label: jax.Array  # (width,), log P, last step a label
    by_blank: jax.Array  # (width,), log P, last step a blank


def _beam_search(
    x: jax.Array, length: jax.Array, width: int, top: int, blank: int
) -> tuple[jax.Array, jax.Array]:
    """Prefix beam search in one sequence of log probabilities, (steps, classes).

    A step keeps every prefix (by a blank, or by its last label again) and extends it by every
    class; an extension that is among the prefixes already is added to that one.
    """
    steps = len(x)
    nothing = jnp.full(width, -jnp.inf, x.dtype)
    beams = _Beams(
        paths=jnp.full((width, steps), -1, "int32"),
        sizes=jnp.zeros(width, "int32"),
        by_label=nothing,
        by_blank=nothing.at[0].set(0.0),  # at first only the empty prefix
    )

    def step(beams, position_and_row):
        position, log_p = position_and_row
        stay_label, stay_blank, extended = _merge(beams, *_extend(beams, log_p, blank))
        grown = _keep_best(beams, stay_label, stay_blank, extended)
        # Steps beyond the sequence change nothing; the first always counts.
        counts = (position < length) | (position == 0)
        return jax.tree.map(lambda new, old: jnp.where(counts, new, old), grown, beams), None

    beams, _ = lax.scan(step, beams, (jnp.arange(steps), x))
    scores, best = lax.top_k(jnp.logaddexp(beams.by_label, beams.by_blank), top)
    return beams.paths[best], scores


def _last_labels(beams: _Beams) -> jax.Array:
    """The last label of each prefix; -1 for the empty one."""
    position = jnp.maximum(beams.sizes - 1, 0)[:, None]
    last = jnp.take_along_axis(beams.paths, position, axis=1)[:, 0]
    return jnp.where(beams.sizes > 0, last, -1)


def _extend(beams: _Beams, log_p: jax.Array, blank: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Log P of each prefix kept by its label or by a blank, (width,), and grown by each class."""
    labels = jnp.arange(len(log_p))
    last = _last_labels(beams)
    total = jnp.logaddexp(beams.by_label, beams.by_blank)
    stay_blank = total + log_p[blank]
    stay_label = jnp.where(last >= 0, beams.by_label + log_p[last], -jnp.inf)
    # The same label a second time needs a blank between.
    repeated = labels[None] == last[:, None]
    before = jnp.where(repeated, beams.by_blank[:, None], total[:, None])
    extended = jnp.where(labels[None] == blank, -jnp.inf, before + log_p[None])  # (width, classes)
    return stay_label, stay_blank, extended


def _merge(
    beams: _Beams, stay_label: jax.Array, stay_blank: jax.Array, extended: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The same, with extensions that equal another prefix added to that prefix."""
    paths, sizes, _, _ = beams
    last = _last_labels(beams)
    ends = jnp.arange(paths.shape[1])[None] == sizes[:, None] - 1
    parents = jnp.where(ends, -1, paths)  # prefixes without their last label
    one_longer = sizes[:, None] == sizes[None] + 1
    is_parent = one_longer & jnp.all(parents[:, None] == paths[None], axis=-1)  # (child, parent)
    from_parent = extended[:, jnp.maximum(last, 0)].T  # (child, parent)
    merged = jnp.where(is_parent, from_parent, -jnp.inf)
    stay_label = jnp.logaddexp(stay_label, jax.nn.logsumexp(merged, axis=1))
    by_last_label = last[:, None, None] == jnp.arange(extended.shape[1])[None, None]
    moved = jnp.any(is_parent[:, :, None] & by_last_label, axis=0)  # (parent, classes)
    return stay_label, stay_blank, jnp.where(moved, -jnp.inf, extended)


def _keep_best(
    beams: _Beams, stay_label: jax.Array, stay_blank: jax.Array, extended: jax.Array
) -> _Beams:
    """The best of all kept and all extended prefixes, as many as before."""
    width, classes = extended.shape
    candidates = jnp.concatenate([jnp.logaddexp(stay_label, stay_blank), extended.ravel()])
    _, best = lax.top_k(candidates, width)
    grown = best >= width
    source = jnp.where(grown, (best - width) // classes, best)
    label = (best - width) % classes
    paths, sizes = beams.paths[source], beams.sizes[source]
    new_position = jnp.arange(paths.shape[1])[None] == sizes[:, None]
    return _Beams(
        paths=jnp.where(grown[:, None] & new_position, label[:, None], paths).astype("int32"),
        sizes=sizes + grown.astype(sizes.dtype),
        by_label=jnp.where(grown, candidates[best], stay_label[source]),
        by_blank=jnp.where(grown, -jnp.inf, stay_blank[source]),
    )
