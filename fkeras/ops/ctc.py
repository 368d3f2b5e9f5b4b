"""Connectionist temporal classification: the loss, and decoding."""

from __future__ import annotations

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
        paddings.append((jnp.arange(sequence.shape[1]) >= length[:, None]).astype("float32"))
    output = output.astype(result_type(output.dtype, "float32"))
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


def _greedy(inputs: jax.Array, lengths: jax.Array, merge_repeated: bool, blank: int):
    steps = inputs.shape[1]
    padded = jnp.arange(steps) >= lengths[:, None]
    ids = jnp.where(padded, blank, jnp.argmax(inputs, axis=-1))
    scores = -jnp.sum(jnp.where(padded, 0.0, jnp.max(inputs, axis=-1)), axis=1, keepdims=True)
    dropped = ids == blank
    if merge_repeated:
        dropped = dropped.at[:, 1:].set(dropped[:, 1:] | (ids[:, 1:] == ids[:, :-1]))
    order = jnp.argsort(dropped, axis=1, stable=True)  # what stays moves to the front
    ids = jnp.take_along_axis(jnp.where(dropped, -1, ids), order, axis=1)
    return ids[None].astype("int32"), scores


def _beam_search(x: jax.Array, length: jax.Array, width: int, top: int, blank: int):
    """Prefix beam search in one sequence of log probabilities, (steps, classes).

    The state is `width` different prefixes, each with the log probability of its alignments that
    end in its last label and of those that end in a blank. A step keeps every prefix (by a blank,
    or by its last label again) and extends it by every class; an extension that is among the
    prefixes already is added to that one.
    """
    steps, classes = x.shape
    none = jnp.asarray(-jnp.inf, x.dtype)
    labels = jnp.arange(classes)
    state = (
        jnp.full((width, steps), -1, "int32"),  # prefixes, padded with -1
        jnp.zeros(width, "int32"),  # their lengths
        jnp.full(width, none),  # log P, last step a label
        jnp.full(width, none)
        .at[0]
        .set(0.0),  # log P, last step a blank: at first only the empty prefix
    )

    def step(state, now):
        t, x = now
        paths, sizes, by_label, by_blank = state
        total = jnp.logaddexp(by_label, by_blank)
        last = jnp.where(
            sizes > 0,
            jnp.take_along_axis(paths, jnp.maximum(sizes - 1, 0)[:, None], axis=1)[:, 0],
            -1,
        )
        stay_blank = total + x[blank]
        stay_label = jnp.where(last >= 0, by_label + x[last], none)
        again = labels == last[:, None]  # the same label a second time needs a blank between
        extended = jnp.where(
            labels == blank, none, jnp.where(again, by_blank[:, None], total[:, None]) + x
        )  # (width, classes)

        parent = jnp.where(
            jnp.arange(steps) == sizes[:, None] - 1, -1, paths
        )  # prefixes without their last label
        is_parent = (sizes[:, None] == sizes + 1) & jnp.all(
            parent[:, None] == paths, axis=-1
        )  # (child, parent)
        merged = jnp.where(is_parent, extended[:, jnp.maximum(last, 0)].T, none)
        stay_label = jnp.logaddexp(stay_label, jax.nn.logsumexp(merged, axis=1))
        taken = jnp.any(is_parent[:, :, None] & (last[:, None, None] == labels), axis=0)
        extended = jnp.where(taken, none, extended)

        candidates = jnp.concatenate([jnp.logaddexp(stay_label, stay_blank), extended.ravel()])
        _, best = lax.top_k(candidates, width)
        source = jnp.where(best < width, best, (best - width) // classes)
        label = jnp.where(best < width, -1, (best - width) % classes)
        grown = label >= 0
        paths = jnp.where(
            grown[:, None] & (jnp.arange(steps) == sizes[source][:, None]),
            label[:, None],
            paths[source],
        )
        new = (
            paths.astype("int32"),
            sizes[source] + grown,
            jnp.where(grown, candidates[best], stay_label[source]),
            jnp.where(grown, none, stay_blank[source]),
        )
        return jax.tree.map(lambda a, b: jnp.where((t < length) | (t == 0), a, b), new, state), None

    (paths, _, by_label, by_blank), _ = lax.scan(step, state, (jnp.arange(steps), x))
    scores, best = lax.top_k(jnp.logaddexp(by_label, by_blank), top)
    return paths[best], scores
