"""What tests of saving share."""

import contextlib
import resource

import pytest


@pytest.fixture
def small_files():
    """A context manager in which no file may grow beyond a number of bytes: a disk that is full."""

    @contextlib.contextmanager
    def limited(size):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited
