"""Arguments that all layers of categories check alike."""

from __future__ import annotations

from collections.abc import Sequence

from fkeras.errors import UserInputError

_FORMER = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def check_output_mode(output_mode: str, modes: Sequence[str], who: str) -> str:
    """The mode under today's name.

    Raises:
        UserInputError: it is none of `modes`.
    """
    output_mode = _FORMER.get(output_mode, output_mode)
    if output_mode not in modes:
        raise UserInputError(
            f"{who}: `output_mode` must be one of {', '.join(map(repr, modes))}. Received: "
            f"output_mode={output_mode!r}"
        )
    return output_mode


def refuse_sparse(sparse: bool, who: str) -> None:
    """Raises for what only TensorFlow has."""
    if sparse:
        raise UserInputError(
            f"{who}: `sparse=True` gives TensorFlow's sparse tensors, which JAX does not have. "
            "Leave it out. For a large vocabulary, `output_mode='int'` and an `Embedding` take "
            "less memory than vectors."
        )


def salt_pair(salt: int | Sequence[int] | None, who: str) -> list[int] | None:
    """Two integers from one or two.

    Raises:
        UserInputError: it is neither.
    """
    if salt is None:
        return None
    pair = [salt, salt] if isinstance(salt, int) else salt
    is_pair = isinstance(pair, (list, tuple)) and len(pair) == 2
    if not is_pair or not all(isinstance(part, int) for part in pair):
        raise UserInputError(
            f"{who}: `salt` can only be a tuple of size 2 integers, or a single integer. "
            f"Received: salt={salt!r}"
        )
    return list(pair)
