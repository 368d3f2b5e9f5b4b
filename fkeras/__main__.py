"""`python -m fkeras SCRIPT [ARGUMENTS]` runs a script or a notebook written for Keras or tf.keras,
unedited.

fkeras stands in their place.
"""

import sys

import fkeras

HELP = """\
usage: python -m fkeras SCRIPT [ARGUMENTS ...]
       python -m fkeras NOTEBOOK.ipynb [ARGUMENTS ...]
       python -m fkeras -m MODULE [ARGUMENTS ...]

Runs a script, a module or the code cells of a notebook that imports keras, tensorflow.keras or
`tensorflow as tf` with fkeras in their place. Neither Keras nor TensorFlow needs to be installed;
where they are, fkeras is used all the same.
Of `tf` there are the names that scripts use; any other says what to write instead.

options:
  -m MODULE      run a module or package, as `python -m MODULE` would
  -h, --help     show this text
  -V, --version  show the versions of fkeras, JAX and Flax"""


def main(arguments: list[str]) -> int | None:
    """Runs the command.

    Args:
        arguments: what stands behind `python -m fkeras`.

    Returns:
        The exit code of a wrong use; None after a run that ended by itself.
    """
    first = arguments[0] if arguments else None
    if first in ("-h", "--help"):
        print(HELP)
        return None
    if first in ("-V", "--version"):
        print(_versions())
        return None
    if first is None:
        return _complain(f"no script was given\n\n{HELP}", 2)
    if first == "-m" and len(arguments) == 1:
        return _complain("-m: the name of a module is missing", 2)
    if first.startswith("-") and first != "-m":
        return _complain(
            f"unknown option {first}. See `python -m fkeras --help`; a script's own options come "
            "after its name",
            2,
        )
    from fkeras.compat import install, run  # after the options, which shall be instant

    install()
    try:
        if first == "-m":
            run.run_module(arguments[1], arguments[2:])
        else:
            run.run_script(first, arguments[1:])
    except run.CannotRunError as error:
        return _complain(str(error), error.status)
    return None


def _versions() -> str:
    from importlib.metadata import version

    return f"fkeras {fkeras.__version__} (jax {version('jax')}, flax {version('flax')})"


def _complain(message: str, status: int) -> int:
    print(f"fkeras: {message}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
