"""Scripts in the style of course notes of 2016 to 2022 run unedited, without Keras."""

import pathlib
import warnings

import pytest

import fkeras
from fkeras import compat
from fkeras.compat import imports

SCRIPTS = sorted((pathlib.Path(__file__).parent / "scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_a_script_reaches_its_end(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fkeras.utils.set_random_seed(0)
    code = compile(script.read_text(), str(script), "exec")
    compat.install()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exec(code, {"__name__": "__main__", "__file__": str(script)})
    finally:
        imports.uninstall()
    told = {str(w.message) for w in caught if w.category is UserWarning}
    assert len(told) <= 20
    assert all(w.filename == str(script) for w in caught if w.category is UserWarning)
