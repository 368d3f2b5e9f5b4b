"""The switches and limits of `fkeras.config`, as users turn them."""

from fkeras.core import settings
from fkeras.errors import UserInputError


def backend() -> str:
    """Always `'jax'`."""
    return "jax"


def set_backend(backend: str) -> None:
    """Accepts `'jax'`, which is what fkeras always runs on.

    Args:
        backend: `'jax'`.

    Raises:
        UserInputError: for any other name.
    """
    if backend != "jax":
        raise UserInputError(
            "fkeras runs on JAX only: set_backend('jax') is all there is. Received: "
            f"backend={backend!r}"
        )


def is_nnx_enabled() -> bool:
    """Always True: layers are `flax.nnx.Module`s."""
    return True


def enable_interactive_logging() -> None:
    """Shows progress bars and messages in the terminal (the default)."""
    settings.put("interactive_logging", True)


def disable_interactive_logging() -> None:
    """Sends progress and messages to Python's `logging` instead of the terminal.

    `verbose="auto"` then means one line an epoch.
    """
    settings.put("interactive_logging", False)


def is_interactive_logging_enabled() -> bool:
    """Whether messages go to the terminal."""
    return settings.get("interactive_logging")


def enable_traceback_filtering() -> None:
    """Leaves the frames of fkeras, JAX, Flax and Optax out of tracebacks, and JAX's note about them
    (the default).
    """
    settings.put("traceback_filtering", True)


def disable_traceback_filtering() -> None:
    """Shows every frame of a traceback that fkeras would leave out, and what JAX itself said where
    fkeras says it in other words. JAX leaves out frames of its own by itself, unless
    `jax.config.update("jax_traceback_filtering", "off")` is called.
    """
    settings.put("traceback_filtering", False)


def is_traceback_filtering_enabled() -> bool:
    """Whether the libraries' frames are left out of tracebacks."""
    return settings.get("traceback_filtering")


def enable_unsafe_deserialization() -> None:
    """Lets configs that carry code (lambdas) be revived everywhere, as `safe_mode=False` does for
    one call.

    Only for files that you made yourself: such code can do anything.
    """
    settings.put("unsafe_deserialization", True)


def enable_flash_attention() -> None:
    """Asks for fused attention kernels wherever inputs and device allow them."""
    settings.put("flash_attention", True)


def disable_flash_attention() -> None:
    """Computes attention without fused kernels."""
    settings.put("flash_attention", False)


def is_flash_attention_enabled() -> bool | None:
    """True or False as it was set; None, the default, lets each call decide."""
    return settings.get("flash_attention")


def max_epochs() -> int | None:
    """The limit on the epochs of any `fit`; None for no limit."""
    return settings.get("max_epochs")


def set_max_epochs(max_epochs: int | None) -> None:
    """Caps the epochs of every `fit`, to try a script out quickly.

    Args:
        max_epochs: the most epochs of a `fit`; None for no limit.
    """
    settings.put("max_epochs", max_epochs)


def max_steps_per_epoch() -> int | None:
    """The limit on the steps of any epoch; None for no limit."""
    return settings.get("max_steps_per_epoch")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Caps the steps of every epoch of `fit`, `evaluate` and `predict`, to try a script out
    quickly.

    Args:
        max_steps_per_epoch: the most steps of an epoch; None for no limit.
    """
    settings.put("max_steps_per_epoch", max_steps_per_epoch)
