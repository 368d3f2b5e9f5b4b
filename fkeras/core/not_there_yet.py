"""What Keras has and fkeras does not have yet, and what to do instead: the one table of it.

Every namespace, the imports, the command and messages read it. Whoever builds one of these deletes
its row here and in docs/differences.md; a test finds rows of what exists.

A name covers all that is inside it: `distillation` stands for `distillation.Distiller`.
"""

from __future__ import annotations

_IN_ROWS = "Compute it on the arrays before `fit` (NumPy, pandas), or in a layer of your own"

INSTEAD: dict[str, str] = {
    "applications": "Build the network from `fkeras.layers`; pretrained Flax networks are taken "
    "in by `fkeras.layers.FlaxLayer`.",
    "distillation": "Add the distance to the teacher's outputs in a `compute_loss` of your own.",
    "export": "`jax.export.export(jax.jit(function))` writes a function around `model.apply` as "
    "StableHLO.",
    "layers.CategoryEncoding": "Use `fkeras.utils.to_categorical`, `fkeras.ops.one_hot` or "
    "`fkeras.ops.multi_hot`.",
    "layers.Discretization": "Use `np.digitize`, or `fkeras.ops.digitize` in a layer of your own.",
    "layers.FeatureSpace": f"{_IN_ROWS}.",
    "layers.MelSpectrogram": "Use `fkeras.ops.stft` in a layer of your own.",
    "layers.Normalization": "Subtract the mean of the training data and divide by its deviation, "
    "or begin with `fkeras.layers.BatchNormalization`.",
    "layers.STFTSpectrogram": "Use `fkeras.ops.stft` in a layer of your own.",
    "layers.TFSMLayer": "It needs TensorFlow, which fkeras does without.",
    "layers.TorchModuleWrapper": "It needs PyTorch; Flax modules go into "
    "`fkeras.layers.FlaxLayer`, functions of JAX into `fkeras.layers.JaxLayer`.",
    "utils.FeatureSpace": f"{_IN_ROWS}.",
    **dict.fromkeys(
        [f"layers.{name}" for name in ("AugMix RandAugment").split()],
        "Change the images in a `fkeras.utils.PyDataset`, or in a layer of your own with "
        "`fkeras.ops.image` and `fkeras.random`.",
    ),
}


def message(name: str) -> str | None:
    """What to say of a name; None where nothing is known to be missing.

    Args:
        name: without the name of the package: `'distillation.Distiller'`, `'layers.TFSMLayer'`.

    Examples:
        >>> print(message("utils.FeatureSpace"))
        fkeras does not have `keras.utils.FeatureSpace` yet. Compute it on...
        >>> message("layers.Dense") is None
        True
    """
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        known = ".".join(parts[:end])
        if known in INSTEAD:
            return f"fkeras does not have `keras.{known}` yet. {INSTEAD[known]}"
    return None
