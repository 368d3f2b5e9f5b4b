"""JSON of files that may come from strangers."""

from __future__ import annotations

import json
from typing import Any

from fkeras.errors import CorruptFileError

_MAX_DEPTH = 200  # of lists and dicts in each other; models have some ten for each model in a model


def read_json(text: bytes, shown: str) -> dict[str, Any]:
    """The dict that a JSON text holds.

    Args:
        text: in UTF-8.
        shown: how messages name the file.

    Raises:
        CorruptFileError: no JSON, no dict, or nested deeper than any model.
    """
    try:
        content = json.loads(text)
    except RecursionError:
        raise _too_deep(shown) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise CorruptFileError(
            f"{shown} is damaged: {error}. Save the model again, or take another copy."
        ) from None
    if not isinstance(content, dict):
        raise CorruptFileError(
            f"{shown} is damaged: expected a JSON object. Received: {type(content).__name__}."
        )
    if _depth_exceeds(content, _MAX_DEPTH):
        raise _too_deep(shown)
    return content


def _too_deep(shown: str) -> CorruptFileError:
    return CorruptFileError(f"{shown} is refused: it is nested more than {_MAX_DEPTH} deep.")


def _depth_exceeds(content: Any, most: int) -> bool:
    level = [content]
    for _ in range(most):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True
