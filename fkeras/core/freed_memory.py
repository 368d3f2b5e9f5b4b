"""Freed memory: `keep_freed_memory` keeps it for the next arrays, `give_back` returns it to the
system.
"""

from __future__ import annotations

import ctypes
import platform

# glibc's numbers for `mallopt`.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGEST_INT = 2**31 - 1

_kept: list[bool] = []  # not empty where users want freed memory to stay


def keep_freed_memory() -> bool:
    """Keeps memory that arrays on the CPU have freed for the next ones, until the process ends.

    For training on a CPU. glibc returns what is larger than 32 MiB to the system when it is freed
    and asks for it anew at the next step. Each page (4 KiB) then comes with an interrupt and is
    filled with zeros first, which takes up to a third of a step where a program's intermediate
    results are that large: convolutions and attention. PyTorch and TensorFlow keep such memory in
    pools of their own.

    It holds for all code of the process, which then stays as large as it has once been. Numbers do
    not change. Call it first: it acts on what is allocated later.

    Returns:
        Whether it is in effect: False where the C library is not glibc (macOS, Windows, Alpine).

    Examples:
        >>> import fkeras
        >>> in_effect = fkeras.config.keep_freed_memory()
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = ((_MMAP_THRESHOLD, _LARGEST_INT), (_TRIM_THRESHOLD, _LARGEST_INT))
    is_in_effect = all(libc.mallopt(name, value) == 1 for name, value in settings)
    if is_in_effect:
        _kept.append(True)
    return is_in_effect


def give_back() -> bool:
    """Returns to the system what glibc holds of freed memory; it takes some milliseconds.

    glibc keeps freed blocks of up to 32 MiB between others in use, and what a compilation has
    freed. Nothing happens after `keep_freed_memory`, and with other C libraries.

    Returns:
        Whether anything was returned.
    """
    if _kept or platform.libc_ver()[0] != "glibc":
        return False
    return ctypes.CDLL(None).malloc_trim(0) == 1
