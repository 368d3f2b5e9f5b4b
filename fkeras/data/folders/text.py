"""`text_dataset_from_directory`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fkeras.data.folders.labeled_files import Request
from fkeras.data.folders.making import make_datasets

_FORMATS = (".txt",)


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """The `.txt` files of a folder, one class a subfolder.

    Args:
        directory: the folder.
        labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
            follow_links, format, verbose: as in `image_dataset_from_directory`.
        max_length: bytes of a text that are kept; None for all.

    Returns:
        A `fkeras.data.Dataset` of texts, (batch,) bytes, or of pairs of texts and labels, with the
        attributes `class_names` and `file_paths`; with `format="grain"` Grain's, in which texts are
        lists of str.

    Raises:
        UserInputError: arguments that cannot be right, no files, labels that do not fit them.

    Examples:
        >>> import pathlib, tempfile, fkeras
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("bad", "good"):
        ...     (folder / name).mkdir()
        ...     _ = (folder / name / "1.txt").write_text(f"a {name} one")
        >>> dataset = fkeras.utils.text_dataset_from_directory(folder, shuffle=False)
        Found 2 files belonging to 2 classes.
        >>> for texts, ids in dataset:
        ...     print(texts.numpy(), ids.numpy(), dataset.class_names)
        [b'a bad one' b'a good one'] [0 1] ['bad', 'good']
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
    request.check("text")

    def read(path: str) -> bytes:
        with open(path, "rb") as file:
            return file.read() if max_length is None else file.read(max_length)

    def read_text(path: str) -> str:
        with open(path, encoding="utf-8") as file:
            return file.read() if max_length is None else file.read(max_length)

    return make_datasets(request, "text files", _FORMATS, read_text if format == "grain" else read)
