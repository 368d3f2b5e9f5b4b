"""What TensorBoard's projector of embeddings reads: a table of vectors for each `Embedding`, and
the list of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fkeras.errors import UserInputError
from fkeras.layers.core.embedding import Embedding

if TYPE_CHECKING:
    from fkeras.types import PathLike


class EmbeddingProjector:
    """The tables of a model's embeddings.

    Args:
        folder: where the logs are.
        metadata: file of labels for all layers, or dict from a layer's name to its own; relative to
            the folder.
        model: the model.

    Raises:
        UserInputError: the metadata name a layer that is no `Embedding` of the model.
    """

    def __init__(
        self, folder: str, metadata: PathLike | Mapping[str, PathLike] | None, model: Any
    ) -> None:
        self._folder = Path(folder)
        self._layers = {layer.name: layer for layer in _embeddings_of(model)}
        if isinstance(metadata, Mapping):
            unknown = sorted(metadata.keys() - self._layers.keys())
            if unknown:
                raise UserInputError(
                    f"TensorBoard: `embeddings_metadata` names {', '.join(unknown)}; the model's "
                    f"embeddings are: {', '.join(self._layers) or 'none'}."
                )
            self._metadata = dict(metadata)
        else:
            self._metadata = {} if metadata is None else dict.fromkeys(self._layers, metadata)

    def write(self) -> None:
        """Writes all tables as they are now, in the place of those before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entries = []
        for name, layer in self._layers.items():
            table = f"{name.replace('/', '_')}.tsv"
            vectors = np.asarray(layer.embeddings, "float32")
            np.savetxt(self._folder / table, vectors, fmt="%.8g", delimiter="\t")
            fields = {"tensor_name": layer.embeddings.path, "tensor_path": table}
            if name in self._metadata:
                fields["metadata_path"] = os.fspath(self._metadata[name])
            lines = "".join(f"  {key}: {json.dumps(text)}\n" for key, text in fields.items())
            entries.append("embeddings {\n" + lines + "}\n")
        (self._folder / "projector_config.pbtxt").write_text("".join(entries))


def _embeddings_of(layer: Any) -> Iterator[Embedding]:
    for inner in getattr(layer, "layers", ()):
        if isinstance(inner, Embedding):
            yield inner
        else:
            yield from _embeddings_of(inner)
