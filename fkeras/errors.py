"""The errors that users meet: what went wrong, with whose names, and what to write instead.

Every class is also a `ValueError`, `TypeError`, `RuntimeError` or `OSError`, so that code written
for Keras keeps catching them.
"""

import difflib
from collections.abc import Iterable


def is_closing_note_of_jax(note: str) -> bool:
    """Whether a note is the one that JAX puts behind errors whose traceback it has shortened."""
    return "JAX has removed its internal frames" in note


class UserInputError(ValueError):
    """An argument, a shape or a value that cannot be right."""

    def add_note(self, note: str) -> None:
        """Adds a note, unless it is JAX's closing one about frames that it left out: it says
        nothing of what is wrong, and would be the last that is read.
        """
        if not is_closing_note_of_jax(note):
            super().add_note(note)


class UserTypeError(UserInputError, TypeError):
    """An argument of a type that cannot be right."""


class UnknownNameError(UserInputError):
    """A name that nothing is registered under."""


class NotBuiltError(UserInputError):
    """An object was asked for weights that it does not have yet."""


class PureCallError(UserInputError, RuntimeError):
    """State was read or written where a pure call cannot see it."""


class DigestError(UserInputError):
    """A file or directory whose content is not the one that was expected."""


class ArchiveError(UserInputError):
    """An archive that is damaged, too large, or would write outside of its folder."""


class UnsafeFileError(UserInputError):
    """A file that would run code, read or write elsewhere, or take far more than its own size."""


class CorruptFileError(UserInputError):
    """A file that is cut off, altered, or not what its name says."""


class IncompatibleFileError(UserInputError):
    """A file of a newer release, or one that does not fit the model."""


class SaveError(OSError):
    """What could not be written, such as a checkpoint on a full disk. What stood there before
    stands still.
    """


class StateLostError(RuntimeError):
    """Weights that a step has taken with it when it failed on the device."""


class TransformationMissingError(UserInputError):
    """A config of an Optax transformation, which has to be given again."""


class DownloadError(RuntimeError):
    """A file that could not be fetched from its address."""


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Those of the names that look most like `name`, best first; at most `count`.

    >>> nearest("adamm", ["adam", "sgd", "adamw"])
    ['adam', 'adamw']
    """
    by_lower = {n.lower(): n for n in names}
    matches = difflib.get_close_matches(str(name).lower(), by_lower, n=count, cutoff=0.6)
    return [by_lower[match] for match in matches]


def unknown_name(kind: str, name: object, names: Iterable[str]) -> UnknownNameError:
    """The error for a name that is not in a table; the caller raises it.

    Args:
        kind: what it is the name of, such as `'optimizer'`.
        name: the name.
        names: all that there are.

    >>> print(unknown_name("optimizer", "adm", ["adam", "sgd"]))
    Unknown optimizer 'adm'. Did you mean 'adam'?
    """
    names = sorted(set(names))
    close = nearest(str(name), names)
    if close:
        hint = "Did you mean " + " or ".join(repr(c) for c in close) + "?"
    else:
        shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        hint = (
            f"Known: {shown}. For your own object, pass it itself, register it with "
            "`register_keras_serializable`, or name it in a `custom_object_scope`."
        )
    return UnknownNameError(f"Unknown {kind} {name!r}. {hint}")


def __dir__() -> list[str]:
    own = globals().items()
    public = {name: value for name, value in own if not name.startswith("_")}
    return sorted(n for n, value in public.items() if getattr(value, "__module__", "") == __name__)
