"""Arrays on disk by Orbax: the only module that knows the library, which takes seconds to import.

Arrays are written raw, one folder for each (`params.dense.kernel`), which Orbax's own tools read as
they read all others. `raw_arrays` reads them without Orbax.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from fkeras.errors import CorruptFileError

if TYPE_CHECKING:
    from fkeras.types import ArrayLike

_LONGEST_NAME = 240  # bytes of a folder's name; file systems allow 255
_LONGEST_WAIT_MS = 600_000
_SAYS_NOTHING = ("Skipping merge of OCDBT checkpoints", "Metadata file does not exist")


def are_joined(paths: Iterable[str]) -> bool:
    """Whether arrays of these paths are written into one file: where the names of folders would be
    too long.
    """
    return any(len(path.encode()) > _LONGEST_NAME for path in paths)


def write_arrays(arrays: Mapping[str, ArrayLike], folder: Path) -> Callable[[], None]:
    """Begins to write arrays into a folder that is not there yet.

    Of several processes all call it, with the same arrays, of which each writes its own parts.

    Args:
        arrays: by path, as `params/dense/kernel`; of one element at least.
        folder: the place.

    Returns:
        A function that waits until all is written, which another thread may call. With one process
        it is what does the work.
    """
    if not arrays:
        return lambda: folder.mkdir(parents=True, exist_ok=True)
    ocp = _import_orbax()
    handler = ocp.PyTreeCheckpointHandler(use_ocdbt=are_joined(arrays), use_compression=False)
    tree = unflatten_dict({tuple(path.split("/")): value for path, value in arrays.items()})
    if jax.process_count() == 1:
        saved = ocp.args.PyTreeSave(tree)
        return lambda: ocp.Checkpointer(handler).save(folder.absolute(), args=saved)
    # What lies on devices of this process alone is the same in all of them.
    tree = jax.tree.map(_global, tree)
    checkpointer = ocp.AsyncCheckpointer(handler)
    checkpointer.save(folder.absolute(), args=ocp.args.PyTreeSave(tree))

    def finish() -> None:
        checkpointer.wait_until_finished()
        checkpointer.close()

    return finish


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Arrays that Orbax wrote, in whatever form, by path: whole on the host, whatever the devices
    were that they came from.

    Raises:
        CorruptFileError: what Orbax cannot read.
    """
    ocp = _import_orbax()
    checkpointer = ocp.Checkpointer(ocp.PyTreeCheckpointHandler())
    try:
        tree = checkpointer.metadata(folder.absolute()).item_metadata.tree
        wanted = jax.tree.map(lambda _: ocp.RestoreArgs(restore_type=np.ndarray), tree)
        stored = checkpointer.restore(
            folder.absolute(), args=ocp.args.PyTreeRestore(restore_args=wanted)
        )
    except Exception as error:  # of many kinds: files that are missing, cut off, altered
        raise CorruptFileError(
            f"'{folder}' cannot be read by Orbax: {str(error)[:500]}. Save it again, or take "
            "another copy."
        ) from error
    flat = flatten_dict(stored)
    return {"/".join(map(str, path)): np.asarray(value) for path, value in flat.items()}


def wait_for_all(key: str) -> None:
    """Waits until all processes have come here; on any thread.

    Args:
        key: of this meeting, the same in all processes.
    """
    if jax.process_count() > 1:
        meet = _import_orbax().multihost.get_barrier_sync_fn()
        if meet is not None:
            meet(key=key, timeout_ms=_LONGEST_WAIT_MS)


def _global(value: Any) -> Any:
    if isinstance(value, jax.Array) and value.is_fully_addressable:
        return np.asarray(value)
    return value


def _import_orbax() -> Any:
    try:
        import orbax.checkpoint as ocp  # takes seconds: only who saves or loads pays
    except ImportError as error:
        raise ImportError(
            "Saving and loading checkpoint directories needs orbax-checkpoint: `pip install "
            "orbax-checkpoint`."
        ) from error
    logging.getLogger("absl").addFilter(_says_something)
    return ocp


def _says_something(message: logging.LogRecord) -> bool:
    """Orbax warns of steps that it leaves out where they are not wanted."""
    return not any(text in str(message.msg) for text in _SAYS_NOTHING)
