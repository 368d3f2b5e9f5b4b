"""The state of the process that a script starts afresh: automatic names, and settings."""

import gc

from fkeras.core import names, settings, shared_programs


def clear_session(free_memory: bool = True) -> None:
    """Starts automatic names again at `dense`, and goes back to the default dtype policy.

    Messages go to the terminal again, too, and compiled programs that are kept for equal models are
    forgotten. Random numbers stay seeded as they were; models that
    exist stay usable.

    Args:
        free_memory: also collect garbage, so that the arrays of deleted models are freed now.

    Examples:
        >>> import fkeras
        >>> fkeras.backend.clear_session()
        >>> fkeras.layers.Dense(2).name, fkeras.layers.Dense(2).name
        ('dense', 'dense_1')
    """
    names.reset()
    shared_programs.clear()
    settings.put("dtype_policy", None)
    settings.put("interactive_logging", True)
    if free_memory:
        gc.collect()
