"""What GPTQ and AWQ look at: windows of tokens, or inputs as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.quantizers.calibrated_configs import GPTQConfig


def samples_of(config: GPTQConfig) -> np.ndarray:
    """The samples that a config asks for, in its first axis.

    Texts and token ids are put one behind the other and cut into windows that are spread evenly;
    too few of them are repeated. The windows are the same at each call. Floats are batches of
    inputs, of which the first ones are taken.

    Args:
        config: says dataset, tokenizer, how many samples, and how many tokens each has.

    Raises:
        UserTypeError: a dataset that is no iterable.
        UserInputError: an empty dataset, or texts without a tokenizer.

    Examples:
        >>> import fkeras, numpy as np
        >>> from fkeras.quantizers import samples
        >>> ids = [np.array([1, 2, 3]), np.array([4, 5])]
        >>> config = fkeras.quantizers.GPTQConfig(ids, None, num_samples=2, sequence_length=3)
        >>> samples.samples_of(config).tolist()
        [[1, 2, 3], [5, 1, 2]]
    """
    items = _items(config.dataset)
    if isinstance(items[0], str):
        items = [_ids(config.tokenizer, text) for text in items]
    arrays = [np.asarray(item) for item in items]
    if not np.issubdtype(arrays[0].dtype, np.integer):
        return _first_inputs(arrays, config.num_samples)
    tokens = np.concatenate([array.reshape(-1) for array in arrays]).astype("int32")
    if tokens.size == 0:
        raise UserInputError("`dataset` has no tokens: its texts or arrays are empty.")
    length, count = config.sequence_length, config.num_samples
    tokens = np.tile(tokens, math.ceil(length * count / tokens.size))
    last = tokens.size - length
    starts = np.arange(count) * max(1, (last + 1) // count) % (last + 1)
    return np.stack([tokens[start : start + length] for start in starts])


def _items(dataset: Any) -> list[Any]:
    if not hasattr(dataset, "__iter__") or isinstance(dataset, (str, bytes)):
        raise UserTypeError(
            "The `dataset` argument must be an iterable (e.g., a list of strings, a generator, or "
            f"a NumPy array). Got type: {type(dataset).__name__}. Calibration looks at data: pass "
            "some in the config."
        )
    items = list(dataset)
    if not items:
        raise UserInputError("Provided dataset is empty. Calibration looks at data.")
    return items


def _ids(tokenizer: Any, text: str) -> np.ndarray:
    """The ids of a text, from a tokenizer of Keras (`tokenize`), of Hugging Face, or a function."""
    found = None
    if hasattr(tokenizer, "tokenize"):
        found = np.asarray(tokenizer.tokenize(text))
    if (found is None or found.dtype.kind not in "iu") and callable(tokenizer):
        answer = tokenizer(text)
        found = np.asarray(answer["input_ids"] if _is_mapping(answer) else answer)
    if found is None or found.dtype.kind not in "iu":
        shown = "none" if found is None else f"{found.dtype} from {tokenizer!r}"
        raise UserInputError(
            "The dataset has texts, so that the config needs a `tokenizer`: a function from a "
            f"string to token ids, or an object with such a `tokenize`. Received: {shown}"
        )
    return found


def _is_mapping(answer: Any) -> bool:
    return isinstance(answer, Mapping) or hasattr(answer, "input_ids")


def _first_inputs(arrays: list[np.ndarray], count: int) -> np.ndarray:
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) > 1 or not arrays[0].ndim:
        raise UserInputError(
            "`dataset` with floats must have batches of inputs, which differ in their first axis "
            f"only. Received: shapes {[array.shape for array in arrays][:8]}"
        )
    inputs = np.concatenate(arrays)[:count]
    if inputs.size == 0 or not np.isfinite(inputs).all():
        raise UserInputError("`dataset` has no inputs, or inputs with NaN or infinity in them.")
    return inputs
