import errno
import subprocess
import sys
import threading

import pytest

from fkeras.io import locked, locks

HOLD = """
import sys
from fkeras.io import locked
with locked(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["flock", "creation"])
def way(request, monkeypatch):
    """Both ways to lock, since not all systems have `flock`."""
    if request.param == "creation":
        monkeypatch.setattr(locks, "fcntl", None)
    elif locks.fcntl is None:
        pytest.skip("no flock here")


def hold_in_another_process(path):
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    return process


def test_the_lock_goes_with_the_block(tmp_path, way):
    for _ in range(2):
        with locked(tmp_path / "deep" / "a"):
            assert (tmp_path / "deep" / ".a.lock").exists()
        assert not list((tmp_path / "deep").iterdir())


def test_the_lock_goes_when_the_block_fails(tmp_path, way):
    with pytest.raises(ValueError, match="mine"), locked(tmp_path / "a"):
        raise ValueError("mine")
    assert not list(tmp_path.iterdir())


def test_waiting_ends_with_the_name_of_the_lock(tmp_path, way):
    with locked(tmp_path / "a"):
        with pytest.raises(TimeoutError, match=r"waited 0\.01 seconds .*\.a\.lock"):
            with locked(tmp_path / "a", timeout=0.01):
                pass
        with locked(tmp_path / "b", timeout=0):
            pass


def test_one_thread_at_a_time_is_in_the_block(tmp_path, way, monkeypatch):
    monkeypatch.setattr(locks, "_SECONDS_BETWEEN_TRIES", 0.0005)
    inside, most = [], []

    def work():
        for _ in range(10):
            with locked(tmp_path / "a"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 40


@pytest.mark.skipif(locks.fcntl is None, reason="the lock of a dead process stays without flock")
def test_another_process_locks_until_it_ends_and_a_killed_one_no_longer(tmp_path):
    with hold_in_another_process(tmp_path / "a") as process:
        with pytest.raises(TimeoutError), locked(tmp_path / "a", timeout=0):
            pass
        process.kill()
    with locked(tmp_path / "a", timeout=600):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(locks.fcntl is None, reason="needs flock")
def test_a_file_system_without_locks_is_an_error_and_not_a_wait(tmp_path, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with pytest.raises(OSError, match="No locks available"), locked(tmp_path / "a"):
        pass
