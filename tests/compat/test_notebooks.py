"""Notebooks run without Jupyter."""

import json

import pytest

from fkeras.compat import notebooks


def notebook(*cells):
    """A notebook of code cells, with a cell of text between them."""
    text = {"cell_type": "markdown", "source": ["# title"]}
    rows = [{"cell_type": "code", "source": c.splitlines(keepends=True)} for c in cells]
    return json.dumps({"nbformat": 4, "cells": [text, *rows]})


def python_of(cell):
    return notebooks.without_commands(cell, 1, notebooks.Shell())


def test_code_cells_run_in_order_and_commands_are_left_out(command):
    command.write(
        "course.ipynb",
        notebook(
            "%matplotlib inline\n!pip install tensorflow\nimport tensorflow as tf, sys",
            "files = !ls\nx = tf.constant([1.0, 2.0])\nx?",
            "%%bash\nexit 1",
            "%%time\ny = x * 2\ntext = '''\n%kept\n'''",
            "if True:\n    %pip list\n    display(y.numpy(), 7\n    % 4, sys.argv[1:], text)",
        ),
    )
    done = command.fkeras("course.ipynb", "-v")
    assert done.stdout == "[2. 4.] 3 ['-v'] \n%kept\n\n", done.stderr
    assert done.stderr.splitlines() == [
        f"fkeras: note: cell {number}: left out `{line}`"
        for number, line in (
            (1, "%matplotlib inline"),
            (1, "!pip install tensorflow"),
            (2, "files = !ls"),
            (2, "x?"),
            (3, "%%bash"),
            (5, "%pip list"),
        )
    ]


def test_commands_that_the_notebook_defines_run(command):
    command.write(
        "own.ipynb",
        notebook(
            "shell = get_ipython()\ndef only(line, cell):\n    if line == 'jax':\n"
            "        shell.run_cell(cell)\nshell.register_magic_function(only, 'cell')",
            "def shout(line):\n    print(line.upper())\n"
            "get_ipython().register_magic_function(shout, magic_kind='line')",
            "%%only jax\ny = [2]",
            "%%only torch\nimport no_such_module",
            "if y:\n    %shout at me\nget_ipython().magic('shout twice')",
            "get_ipython().system('ls')\nget_ipython().run_line_magic('cd', '..')",
        ),
    )
    done = command.fkeras("own.ipynb")
    assert done.stdout == "AT ME\nTWICE\n", done.stderr
    assert done.stderr.splitlines() == [
        "fkeras: note: get_ipython(): left out `!ls`",
        "fkeras: note: get_ipython(): left out `%cd ..`",
    ]


def test_the_decorators_of_ipython_are_understood(command):
    pytest.importorskip("IPython")
    command.write(
        "own.ipynb",
        notebook(
            "from IPython.core.magic import register_cell_magic, register_line_magic",
            "@register_cell_magic\ndef run(line, cell):\n    get_ipython().run_cell(cell)",
            "@register_line_magic('hi')\ndef greet(line):\n    print('hi', line)",
            "%%run\nx = 1\n\n1 / 0",
        ),
    )
    done = command.fkeras("own.ipynb")
    assert "ZeroDivisionError" in done.stderr and "notebook_shell.py" not in done.stderr
    assert "line 3, in <module>\n    1 / 0\n" in done.stderr


def test_a_command_of_several_lines_is_left_out_as_a_whole():
    cell = "if x:\n    !wget a \\\n      https://b \\\n      -O c\n    y = 1\n!ls \\"
    assert python_of(cell) == "if x:\n    pass\n\n\n    y = 1\npass"


def test_the_indentation_of_a_whole_cell_is_taken_off():
    cell = "\n  x = [\n 1]\n  if x:\n    !ls\n    y = 1\n"
    assert python_of(cell) == "\nx = [\n 1]\nif x:\n  pass\n  y = 1\n"


def test_a_timed_line_runs_and_a_file_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = "if True:\n    %time x = sum(\n        [1, 2])\n%timeit x\n"
    assert python_of(cell) == "if True:\n    x = sum(\n        [1, 2])\npass\n"
    assert python_of("%%writefile own.py\nvalue = 1\n") == ""
    assert python_of("%%writefile -a own.py\nother = 2\n") == ""
    assert (tmp_path / "own.py").read_text() == "value = 1\nother = 2\n"


def test_an_error_that_the_notebook_shows_itself_does_not_end_it(command):
    cells = json.loads(notebook("x = 1\n1 / 0", "y = [", "z = x", "print(z)\n1 / 0", "print(5)"))
    saved, typo, tagged, last, never = (c for c in cells["cells"] if c["cell_type"] == "code")
    saved["outputs"] = typo["outputs"] = [{"output_type": "error", "ename": "ZeroDivisionError"}]
    tagged["metadata"] = {"tags": ["raises-exception"]}
    command.write("course.ipynb", json.dumps(cells))
    done = command.fkeras("course.ipynb")
    assert done.returncode == 1 and done.stdout == "1\n"
    assert 'course.ipynb[1]", line 2' in done.stderr and "SyntaxError" in done.stderr
    assert done.stderr.count("ZeroDivisionError") == 2


def test_an_error_shows_the_cell_and_its_line(command):
    command.write("course.ipynb", notebook("x = 1", "y = 2\n1 / 0"))
    done = command.fkeras("course.ipynb")
    assert done.returncode == 1
    assert 'course.ipynb[2]", line 2' in done.stderr and "1 / 0" in done.stderr
    assert "notebooks.py" not in done.stderr and "run.py" not in done.stderr


@pytest.mark.parametrize("text", ["no json", "[]", '{"cells": 3}', "{}"])
def test_what_is_no_notebook_is_told(text):
    with pytest.raises(notebooks.CannotRunError, match="is not a notebook"):
        list(notebooks.compile_cells(text, "x.ipynb"))


def test_notebooks_of_before_2015_are_read():
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1"}]}]}
    assert len(list(notebooks.compile_cells(json.dumps(old), "x.ipynb"))) == 1


def test_the_extension_installs_and_uninstalls(command):
    script = command.write(
        "script.py",
        """
        import fkeras

        fkeras.load_ipython_extension(None)
        import tensorflow as tf
        import jax.numpy as jnp

        print(tf.reduce_sum(jnp.ones(3)).numpy())
        fkeras.unload_ipython_extension(None)
        try:
            import tensorflow
        except ImportError:
            print("absent", hasattr(jnp.ones(3), "numpy"))
    """,
    )
    assert command.python(script).stdout == "3.0\nabsent False\n"
