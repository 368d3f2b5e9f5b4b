"""What is shown in a notebook, with a kernel that notes it; a real one runs in
tests/compat/test_live_notebooks.py.
"""

import io
import sys
import types

import pytest

import fkeras
from fkeras.core import notebook


class Kernel:
    """What IPython's kernel does with displays: the last content of each, and how often it came."""

    def __init__(self):
        self.areas, self.updates = [], 0
        self.kernel = object()

    def display(self, content, raw, display_id):
        assert raw and display_id
        self.areas.append(content)
        return types.SimpleNamespace(update=self._updater(len(self.areas) - 1))

    def _updater(self, index):
        def update(content, raw):
            self.areas[index] = content
            self.updates += 1

        return update


Stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})


@pytest.fixture
def kernel(monkeypatch):
    """To be entered in the test: pytest puts its own output in place after the fixtures."""

    def enter():
        kernel = Kernel()
        ipython = types.SimpleNamespace(get_ipython=lambda: kernel, display=kernel)
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        monkeypatch.setattr(sys, "stdout", Stream())
        return kernel

    return enter


def test_a_notebook_is_a_kernel_that_takes_standard_output(kernel, monkeypatch):
    assert not notebook.is_shown()
    shell = kernel()
    assert notebook.is_shown()
    shell.kernel = None  # IPython in a terminal
    assert not notebook.is_shown()
    shell.kernel = object()
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # `redirect_stdout`
    assert not notebook.is_shown()


def test_an_area_is_one_output_whose_content_is_replaced(kernel):
    shell = kernel()
    area = notebook.Area()
    for word in "abc":
        area.show(f"<b>{word}</b>", word)
    notebook.Area().show("other", "other")
    assert [content["text/plain"] for content in shell.areas] == ["c", "other"]
    assert "<b>c</b>" in shell.areas[0]["text/html"] and shell.updates == 2


def test_a_bar_is_one_area_with_its_title(kernel):
    shell = kernel()
    bar = fkeras.utils.Progbar(4, interval=0, stateless_metrics=())
    bar.announce("Epoch 1/2")
    assert shell.areas[0]["text/plain"] == "Epoch 1/2"
    bar.update(1, [("<loss>", 0.5)])
    assert '<b>1/4</b> <progress value="1" max="4"></progress>' in shell.areas[0]["text/html"]
    bar.update(4, [("<loss>", 0.25)])
    (content,) = shell.areas
    title, line = content["text/plain"].splitlines()
    assert title == "Epoch 1/2"
    assert line.startswith("4/4 ") and line.endswith("/step - <loss>: 0.2500")
    assert "&lt;loss&gt;: 0.2500" in content["text/html"] and "<loss>" not in content["text/html"]
    assert '<progress value="4" max="4">' in content["text/html"]
    assert sys.stdout.getvalue() == ""


def test_a_bar_without_an_end_shows_counts(kernel):
    shell = kernel()
    fkeras.utils.Progbar(None, interval=0).update(3)
    assert "3/Unknown" in shell.areas[0]["text/html"]
    assert "<progress" not in shell.areas[0]["text/html"]


@pytest.mark.parametrize("verbose", [0, 2])
def test_lines_stay_text(kernel, verbose):
    shell = kernel()
    bar = fkeras.utils.Progbar(1, verbose=verbose)
    bar.announce("Epoch 1/1")
    bar.update(1)
    assert shell.areas == []
    assert sys.stdout.getvalue().startswith("Epoch 1/1\n1/1 - " if verbose else "")


def test_with_the_log_nothing_is_displayed(kernel, caplog):
    shell = kernel()
    fkeras.config.disable_interactive_logging()
    try:
        fkeras.utils.Progbar(1).update(1)
    finally:
        fkeras.config.enable_interactive_logging()
    assert shell.areas == []


def model():
    x = fkeras.Input((3,))
    left = fkeras.layers.Dense(2, name="a_b")(x)
    return fkeras.Model(x, fkeras.layers.Add(name="sum")([left, left]), name="two")


def test_a_summary_is_a_table(kernel):
    shell = kernel()
    model().summary(show_trainable=True)
    (content,) = shell.areas
    page = content["text/html"]
    assert page.count("<tr>") == 4 and page.count("<th") == 5
    assert "a_b (Dense)" in page and ">(None, 2)<" in page and ">8<" in page
    assert "a_b[0][0], a_b[0][0]" in page and ">Y<" in page
    assert "Total params: 8 (32.00 B)" in page
    assert "┃" in content["text/plain"] and "Total params: 8" in content["text/plain"]
    assert sys.stdout.getvalue() == ""


def test_a_function_of_the_users_gets_the_text(kernel):
    shell, taken = kernel(), []
    model().summary(print_fn=taken.append)
    assert shell.areas == [] and "a_b (Dense)" in taken[0]
