"""Compiled programs on disk."""

import os
import pathlib
import stat
import subprocess
import sys
import textwrap

import jax
import pytest

from fkeras import config
from fkeras.errors import UserInputError

_CACHED = """
    import sys
    import jax
    import numpy as np
    import fkeras

    events = []
    listen = lambda event, **kwargs: events.append(event.rsplit("/", 1)[-1])
    jax.monitoring.register_event_listener(listen)
    fkeras.config.enable_compilation_cache(sys.argv[1])
    model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    print(events.count("cache_misses"))
"""


def test_the_next_process_finds_all_programs_in_the_compilation_cache(tmp_path):
    misses = []
    for _ in range(2):
        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(_CACHED), str(tmp_path / "programs")],
            capture_output=True,
            text=True,
            timeout=1800,
        )
        misses.append(process.stdout.strip() or process.stderr)
    assert int(misses[0]) > 0 and misses[1] == "0"


@pytest.fixture
def jax_config():
    """JAX's settings of the cache, put back afterwards."""
    names = (
        "jax_compilation_cache_dir",
        "jax_persistent_cache_min_compile_time_secs",
        "jax_persistent_cache_min_entry_size_bytes",
    )
    before = {name: getattr(jax.config, name) for name in names}
    yield jax.config
    for name, value in before.items():
        jax.config.update(name, value)


def test_a_directory_is_made_for_this_user_alone(tmp_path, jax_config):
    path = config.enable_compilation_cache(tmp_path / "a" / "programs")
    assert path == str(tmp_path / "a" / "programs") == jax_config.jax_compilation_cache_dir
    assert jax_config.jax_persistent_cache_min_compile_time_secs == 0
    if os.name != "nt":
        assert stat.S_IMODE(pathlib.Path(path).stat().st_mode) == 0o700


def test_the_default_is_the_cache_directory_of_the_user(tmp_path, monkeypatch, jax_config):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    assert config.enable_compilation_cache() == str(tmp_path / "caches" / "fkeras" / "programs")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config.enable_compilation_cache() == str(tmp_path / ".cache" / "fkeras" / "programs")
    assert config.enable_compilation_cache("~/mine") == str(tmp_path / "mine")


def test_a_file_cannot_be_the_compilation_cache(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserInputError, match="is a file. Pass a directory"):
        config.enable_compilation_cache(tmp_path / "file")
