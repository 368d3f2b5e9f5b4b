"""`tf.compat`, `tf.errors`, `tf.nest`, loggers, versions: preambles of scripts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fkeras import tree
from fkeras.compat.tensorflow import files, random
from fkeras.compat.tensorflow.absent import INSTEAD
from fkeras.compat.tensorflow.notes import Inert, without_effect
from fkeras.errors import UserInputError


def get_logger() -> logging.Logger:
    """The logger called 'tensorflow', which nobody writes to here."""
    return logging.getLogger("tensorflow")


class Session:
    """A session of TensorFlow 1, as preambles make one for its settings. It runs nothing."""

    def __init__(self, target: str = "", graph: Any = None, config: Any = None) -> None:
        self.graph = None

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Raises: there are no graphs to run."""
        raise UserInputError(f"Session.run: {INSTEAD['Session']}")

    def close(self) -> None:
        """Does nothing."""

    def as_default(self) -> Session:
        """Itself."""
        return self

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *error: object) -> None:
        pass


LOGGING: dict[str, Any] = {
    "DEBUG": 10,
    "ERROR": 40,
    "FATAL": 50,
    "INFO": 20,
    "WARN": 30,
    "get_verbosity": lambda: get_logger().level,
    "set_verbosity": lambda level: get_logger().setLevel(level),
    **{
        name: getattr(get_logger(), name) for name in ("debug", "error", "fatal", "info", "warning")
    },
}
LOGGING.update(warn=LOGGING["warning"])
V1: dict[str, Any] = {
    "ConfigProto": Inert,
    "GPUOptions": Inert,
    "InteractiveSession": Session,
    "RunOptions": Inert,
    "Session": Session,
    **{
        name: without_effect(f"tf.compat.v1.{name}")
        for name in (
            "disable_eager_execution disable_v2_behavior disable_v2_tensorshape "
            "enable_eager_execution enable_v2_behavior reset_default_graph "
            "enable_resource_variables"
        ).split()
    },
    "executing_eagerly": lambda: True,
    "set_random_seed": random.set_seed,
}


def pack_sequence_as(
    structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False
) -> Any:
    """The values of a flat row in the places of a nested structure."""
    return tree.pack_sequence_as(structure, flat_sequence)


def map_structure(func: Any, *structure: Any, **kwargs: Any) -> Any:
    """A function of each value of nested structures."""
    return tree.map_structure(func, *structure)


NEST: dict[str, Any] = {
    "assert_same_structure": lambda nest1, nest2, check_types=True, expand_composites=False: (
        tree.assert_same_structure(nest1, nest2)
    ),
    "flatten": lambda structure, expand_composites=False: tree.flatten(structure),
    "is_nested": tree.is_nested,
    "map_structure": map_structure,
    "pack_sequence_as": pack_sequence_as,
}
ERRORS: dict[str, type[Exception]] = {
    "AbortedError": RuntimeError,
    "AlreadyExistsError": FileExistsError,
    "CancelledError": RuntimeError,
    "DataLossError": OSError,
    "DeadlineExceededError": TimeoutError,
    "FailedPreconditionError": RuntimeError,
    "InternalError": RuntimeError,
    "InvalidArgumentError": UserInputError,
    "NotFoundError": FileNotFoundError,
    "OpError": Exception,
    "OutOfRangeError": StopIteration,
    "PermissionDeniedError": PermissionError,
    "ResourceExhaustedError": MemoryError,
    "UnavailableError": RuntimeError,
    "UnimplementedError": NotImplementedError,
    "UnknownError": RuntimeError,
}
GFILE = {
    **files.GFILE,
    "Exists": files.GFILE["exists"],
    "FastGFile": files.GFile,
    "Glob": files.glob,
    "IsDirectory": files.GFILE["isdir"],
    "ListDirectory": files.listdir,
    "MakeDirs": files.makedirs,
    "Open": files.GFile,
}
