"""Freed memory is kept: in processes of their own, since the setting lasts."""

import platform
import subprocess
import sys
import types

import pytest

from fkeras.core import freed_memory

# Page faults of writing to 64 MiB a second time, after the first were freed.
PROGRAM = """
import ctypes, resource
import fkeras
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
if {keep}:
    assert fkeras.config.keep_freed_memory()
def write():
    block = libc.malloc(2**26)
    libc.memset(block, 1, 2**26)
    libc.free(block)
write()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
write()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep):
    code = PROGRAM.format(keep=keep)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_memory_that_was_freed_comes_without_page_faults():
    assert faults(keep=True) < 100 < faults(keep=False)


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: pytest.fail("called"))
    assert freed_memory.keep_freed_memory() is False
    assert freed_memory.give_back() is False


def test_memory_is_given_back_unless_users_keep_it(monkeypatch):
    trimmed = []
    library = types.SimpleNamespace(
        malloc_trim=lambda left: trimmed.append(left) or 1, mallopt=lambda name, value: 1
    )
    monkeypatch.setattr(freed_memory, "_kept", [])
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.40"))
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: library)
    assert freed_memory.give_back() is True and trimmed == [0]
    assert freed_memory.keep_freed_memory() is True
    assert freed_memory.give_back() is False and trimmed == [0]
