import sys

import pytest

from fkeras.core.pyplot import load_pyplot


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"^plot needs Matplotlib.*fkeras\[visualization\]"):
        load_pyplot("plot")
