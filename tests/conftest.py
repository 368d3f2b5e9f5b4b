"""What all tests share: JAX on the CPU with a cache of compiled programs, and a clean session for
each test.
"""

import contextlib
import ctypes
import gc
import getpass
import os
import platform
import sys
import tempfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR",
    os.path.join(tempfile.gettempdir(), f"fkeras-tests-{getpass.getuser()}"),
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import hypothesis
import jax
import pytest

from fkeras.core import names, settings, shared_programs
from fkeras.core.randomness import process_generator

# No test depends on how fast the machine is.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

_DEFAULTS = dict(settings._values)


@pytest.fixture(scope="session")
def keras():
    """Keras on JAX, the oracle.

    Tests that ask for it are skipped where it is not installed. `.ci/run` sets
    `FKERAS_REQUIRE_ORACLE` where it installed Keras: there they fail instead, since most numbers
    are compared with it.
    """
    if os.environ.get("FKERAS_REQUIRE_ORACLE"):
        import keras

        return keras
    return pytest.importorskip("keras")


@pytest.fixture(autouse=True)
def _fresh_session():
    """Names, settings and seeds start again, so that no test depends on those before it."""
    names.reset()
    settings._values.update(_DEFAULTS)
    process_generator.reset(0)
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session(free_memory=False)


_MOST_GROWTH = 384 << 20  # bytes of compiled programs

_tests_since_cleared = 0
_resident_when_cleared = 0


def _resident():
    """Bytes of memory that the process holds; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


@pytest.fixture(autouse=True)
def _small_heap():
    """What JAX keeps of compiled programs goes after every hundred tests, or as soon as it is much:
    else a worker ends with six gigabytes, and half of its time is the garbage collector's.
    """
    global _tests_since_cleared, _resident_when_cleared
    yield
    _tests_since_cleared += 1
    _resident_when_cleared = _resident_when_cleared or _resident()
    if _tests_since_cleared >= 100 or _resident() - _resident_when_cleared > _MOST_GROWTH:
        _tests_since_cleared = 0
        shared_programs.clear()
        jax.clear_caches()
        gc.collect()
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(0)  # else what is free stays with the process
        _resident_when_cleared = _resident()


def pytest_collection_finish():
    """The collector need not look at the libraries and tests again and again."""
    gc.collect()
    gc.freeze()


_heard: list = []


def _listen(event, duration, **kwargs):
    if event.endswith("backend_compile_duration"):
        _heard.append(event)


jax.monitoring.register_event_duration_secs_listener(_listen)


@pytest.fixture
def compilations():
    """A context manager that lists the programs that JAX compiles (or fetches from its cache)
    inside it.
    """

    @contextlib.contextmanager
    def listening():
        found: list = []
        before = len(_heard)
        yield found
        found.extend(_heard[before:])

    return listening
