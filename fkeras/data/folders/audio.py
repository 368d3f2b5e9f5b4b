"""`audio_dataset_from_directory`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fkeras.data.folders import wav_files
from fkeras.data.folders.labeled_files import Request
from fkeras.data.folders.making import make_datasets
from fkeras.errors import UserInputError

_FORMATS = (".wav",)


def audio_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    verbose: bool = True,
    format: str = "tf",
) -> Any:
    """The `.wav` files of a folder, one class a subfolder.

    Args:
        directory: the folder.
        labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
            follow_links, format, verbose: as in `image_dataset_from_directory`.
        sampling_rate: samples a second that all files are brought to; None to leave them.
        output_sequence_length: samples that are kept of each file, with zeros behind shorter ones;
            None for all, with zeros up to the longest of the batch.
        ragged: False; there are no ragged arrays here.

    Returns:
        A `fkeras.data.Dataset` of sounds, float32 in [-1, 1], (batch, samples, channels), or of
        pairs of sounds and labels, with the attributes `class_names` and `file_paths`; Grain's with
        `format="grain"`.

    Raises:
        UserInputError: arguments that cannot be right, no files, labels that do not fit them.
    """
    request = Request(
        directory,
        labels,
        label_mode,
        class_names,
        batch_size,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        format,
        verbose,
    )
    request.check("audio")
    if ragged and output_sequence_length is not None:
        raise UserInputError("Cannot set both `ragged` and `output_sequence_length`")
    if ragged:
        raise UserInputError(
            "`ragged=True`: there are no ragged arrays in JAX. Leave it False: shorter sounds get "
            "zeros up to the longest of their batch."
        )
    if sampling_rate is not None and not isinstance(sampling_rate, int):
        raise UserInputError(
            f"`sampling_rate` should have an integer value. Received: sampling_rate={sampling_rate}"
        )
    if sampling_rate is not None and sampling_rate <= 0:
        raise UserInputError(
            f"`sampling_rate` should be higher than 0. Received: sampling_rate={sampling_rate}"
        )

    def load(path: str) -> np.ndarray:
        samples, rate = wav_files.read_wav(path)
        if sampling_rate is not None and rate != sampling_rate and len(samples):
            count = max(round(len(samples) * sampling_rate / rate), 1)
            samples = wav_files.resample(samples, count)
        if output_sequence_length is None:
            return samples
        cut = samples[:output_sequence_length]
        return np.pad(cut, ((0, output_sequence_length - len(cut)), (0, 0)))

    return make_datasets(
        request, "audio files", _FORMATS, load, pads=output_sequence_length is None
    )
