"""`python -m fkeras SCRIPT` behaves as `python SCRIPT`."""

import pytest

import fkeras

SHOW = """
    import os, sys
    main = sys.modules["__main__"].__file__
    first = os.path.realpath(sys.path[0])
    print([__name__, __file__, __spec__, __package__, main, sys.argv, first])
"""


def test_main_argv_and_path_are_as_without_the_command(command):
    command.write("folder/show.py", SHOW)
    plain = command.python("folder/show.py", "a", "--b")
    assert plain.returncode == 0
    assert command.fkeras("folder/show.py", "a", "--b").stdout == plain.stdout


def test_module_form_is_as_without_the_command(command):
    command.write("package/__init__.py", "")
    command.write(
        "package/tool.py",
        "import sys\nprint(__name__, __file__, __spec__.name, __package__, sys.argv)",
    )
    command.write(
        "package/__main__.py",
        "import sys\nprint(__name__, __file__, __spec__.name, __package__, sys.argv)",
    )
    for name in ("package", "package.tool"):
        plain = command.python("-m", name, "-x")
        assert plain.returncode == 0
        assert command.fkeras("-m", name, "-x").stdout == plain.stdout


FAILURES = {
    "an error in a function": "def f():\n    return 1 / 0\nf()",
    "an error while another is handled": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    "
    "raise ValueError('no') from e",
    "a module that is missing": "def f():\n    import nowhere_to_be_found\nf()",
    "an error in a module of one's own": "import broken",
    "a syntax error": "x = (",
    "an error in a script with a hook": "import sys\nsys.excepthook = lambda k, v, t: "
    "print('hook', t.tb_lineno)\n1 / 0",
    "an exit code": "import sys\nsys.exit(7)",
    "an exit message": "raise SystemExit('enough')",
    "an interrupt": "raise KeyboardInterrupt",
}


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES)
def test_exit_code_and_traceback_are_as_without_the_command(command, script):
    command.write("broken.py", "raise OSError('broken')")
    command.write("script.py", script)
    plain, ours = command.python("script.py"), command.fkeras("script.py")
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        plain.returncode,
        plain.stdout,
        plain.stderr,
    )
    assert plain.returncode != 0


WRONG_USES = [
    (
        ["nowhere.py"],
        2,
        "can't open file '{folder}/nowhere.py': [Errno 2] No such file or directory",
    ),
    (["."], 2, "can't open file '{folder}': [Errno 21] Is a directory"),
    (["-m", "nowhere"], 1, "No module named nowhere"),
    (["-m", "nowhere.at.all"], 1, "No module named nowhere.at.all"),
    (
        ["-m", "email"],
        1,
        "No module named email.__main__; 'email' is a package and cannot be directly executed",
    ),
    (["-m"], 2, "-m: the name of a module is missing"),
    (["--verbose", "script.py"], 2, "unknown option --verbose"),
    ([], 2, "no script was given"),
]


@pytest.mark.parametrize(
    "arguments, status, message",
    WRONG_USES,
    ids=lambda x: " ".join(x) if isinstance(x, list) else None,
)
def test_wrong_use_is_explained_in_a_line(command, arguments, status, message):
    done = command.fkeras(*arguments)
    assert done.returncode == status
    assert done.stderr.startswith("fkeras: " + message.format(folder=command.folder.resolve()))
    assert "Traceback" not in done.stderr


def test_help_and_version(command):
    assert "usage: python -m fkeras SCRIPT" in command.fkeras("--help").stdout
    assert command.fkeras("--version").stdout.startswith(f"fkeras {fkeras.__version__} (jax ")
