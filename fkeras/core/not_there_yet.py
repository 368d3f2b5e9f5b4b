"""What Keras has and fkeras does not have yet, and what to do instead: the one table of it.

Every namespace, the imports, the command and messages read it. Whoever builds one of these deletes
its row here and in docs/differences.md; a test finds rows of what exists.

A name covers all that is inside it: `applications` stands for `applications.ResNet50`.
"""

from __future__ import annotations

INSTEAD: dict[str, str] = {
    "applications": "Build the network from `fkeras.layers`; pretrained Flax networks are taken "
    "in by `fkeras.layers.FlaxLayer`.",
    "export": "`jax.export.export(jax.jit(function))` writes a function around `model.apply` as "
    "StableHLO.",
    "layers.TFSMLayer": "It needs TensorFlow, which fkeras does without.",
    "layers.TorchModuleWrapper": "It needs PyTorch; Flax modules go into "
    "`fkeras.layers.FlaxLayer`, functions of JAX into `fkeras.layers.JaxLayer`.",
}


def message(name: str) -> str | None:
    """What to say of a name; None where nothing is known to be missing.

    Args:
        name: without the name of the package: `'applications.ResNet50'`, `'layers.TFSMLayer'`.

    Examples:
        >>> print(message("applications.ResNet50"))
        fkeras does not have `keras.applications` yet. Build the network from...
        >>> message("layers.Dense") is None
        True
    """
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        known = ".".join(parts[:end])
        if known in INSTEAD:
            return f"fkeras does not have `keras.{known}` yet. {INSTEAD[known]}"
    return None
