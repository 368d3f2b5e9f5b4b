"""What the arguments of lookups have to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fkeras.errors import UserInputError
from fkeras.layers.preprocessing.output_modes import salt_pair

MOST_SHOWN = 5  # tokens in an error


def check_sizes(
    max_tokens: int | None, num_oov_indices: int, pad_to_max_tokens: bool, who: str
) -> None:
    if max_tokens is not None and max_tokens <= 1:
        raise UserInputError(
            f"{who}: `max_tokens` must be greater than 1, or None. Received: "
            f"max_tokens={max_tokens}"
        )
    if pad_to_max_tokens and max_tokens is None:
        raise UserInputError(f"{who}: `pad_to_max_tokens=True` needs `max_tokens`.")
    if num_oov_indices < 0:
        raise UserInputError(
            f"{who}: `num_oov_indices` must be 0 or more. Received: "
            f"num_oov_indices={num_oov_indices}"
        )


def check_lookup_modes(
    invert: bool, output_mode: str, idf_weights: Any, oov_token: Any, who: str
) -> None:
    if invert and output_mode != "int":
        raise UserInputError(
            f"{who}: `output_mode` must be 'int' with `invert=True`. Received: "
            f"output_mode={output_mode!r}"
        )
    if invert and oov_token is None:
        raise UserInputError(
            f"{who}: with `invert=True` numbers of unknown tokens become `oov_token`. Set it."
        )
    if idf_weights is not None and output_mode != "tf_idf":
        raise UserInputError(
            f"{who}: `idf_weights` belong to `output_mode='tf_idf'`. Received: "
            f"output_mode={output_mode!r}"
        )


def lookup_salts(
    salt: int | Sequence[int] | None, oov_method: str, rejects_salt: bool, who: str
) -> list[int] | None:
    if oov_method not in ("floormod", "farmhash"):
        raise UserInputError(
            f"{who}: `oov_method` must be 'floormod' or 'farmhash'. Received: "
            f"oov_method={oov_method!r}"
        )
    if salt is not None and rejects_salt and oov_method != "farmhash":
        raise UserInputError(
            f"{who}: `salt` counts with `oov_method='farmhash'` only. Received: "
            f"oov_method={oov_method!r}"
        )
    return salt_pair(salt, who)


def is_path(vocabulary: Any) -> bool:
    """Whether a vocabulary is given as the path of a file."""
    return isinstance(vocabulary, str) or hasattr(vocabulary, "__fspath__")


def some_of(items: Sequence[Any], count: int | None = None) -> str:
    """The first of some items as text."""
    shown = ", ".join(repr(item)[:40] for item in items[:MOST_SHOWN])
    return shown + (", ..." if (count or len(items)) > MOST_SHOWN else "")
