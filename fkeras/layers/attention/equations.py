"""Einsum equations of attention over whatever axes."""

from __future__ import annotations

import string


def letters(free: int, others: int) -> tuple[str, str]:
    """Letters of an einsum equation: for free axes, and for others."""
    return string.ascii_lowercase[:free], string.ascii_lowercase[free : free + others]


def attention_equations(rank: int, axes: tuple[int, ...]) -> tuple[int, tuple[str, str]]:
    """What turns heads into scores, and scores into outputs.

    Heads are (batch, ..., heads, size); scores are (batch, axes without attention, heads, queries'
    axes, keys' axes).

    Returns:
        The rank of the scores; einsum equations (key, query -> scores) and (scores, value ->
        output).
    """
    query = string.ascii_lowercase[:rank]
    # Where attention runs, keys have axes of their own; elsewhere they share the query's.
    unused = iter(string.ascii_lowercase[rank:])
    key = "".join(next(unused) if i in axes else letter for i, letter in enumerate(query))
    free = "".join(letter for i, letter in enumerate(query[:-1]) if i not in axes)
    scores = free + "".join(query[i] for i in axes) + "".join(key[i] for i in axes)
    return len(scores), (f"{key},{query}->{scores}", f"{scores},{key}->{query}")
