"""What there is not of TensorFlow, and what to write instead: said where a name is read."""

from __future__ import annotations

from collections.abc import Iterable

from fkeras.errors import nearest

_NO_GRAPHS = (
    "There are no graphs and sessions of TensorFlow 1: layers and steps are compiled by JAX."
)
_RECORDS = "Records are read by `tf.io.parse_example` and `tf.io.parse_single_sequence_example`."
_RAGGED = (
    "There are no ragged tensors. Pad rows to one length: `keras.utils.pad_sequences`, or "
    "`tf.data.Dataset.padded_batch`."
)
_SPARSE = "There are no sparse tensors of TensorFlow; `fit` takes SciPy's sparse matrices."
_ESTIMATOR = "Use `keras.Model` and `fit`."
_COLUMNS = "Use named inputs and layers: `keras.Input(name=...)`."
_V1 = "Of TensorFlow 1 there are few names. Write the name of TensorFlow 2, or use `keras`."
_TRAIN_OPTIMIZER = "Use `keras.optimizers`."

INSTEAD = {
    "AggregationMethod": _NO_GRAPHS,
    "Graph": _NO_GRAPHS,
    "IndexedSlices": "Gradients are arrays.",
    "Operation": _NO_GRAPHS,
    "RaggedTensorSpec": _RAGGED,
    "Session": _NO_GRAPHS,
    "SparseTensorSpec": _SPARSE,
    "VariableAggregation": "Use `keras.distribution`.",
    "VariableSynchronization": "Use `keras.distribution`.",
    "app": "Call `main()` yourself.",
    "assign": "Use the Variable's own `assign`.",
    "batch_to_space": "Use `tf.reshape` and `tf.transpose`.",
    "compat.v1": _V1,
    "contrib": "It went away with TensorFlow 1. Look for the name in `keras.layers`.",
    "distribute": "Use `keras.distribution`.",
    "distribute.cluster_resolver": "Use `fkeras.distribution.initialize()`, which asks SLURM, "
    "Open MPI, Kubernetes and Cloud TPU.",
    "estimator": _ESTIMATOR,
    "feature_column": _COLUMNS,
    "flags": "Use `argparse`.",
    "get_default_graph": _NO_GRAPHS,
    "get_variable": "Use `tf.Variable`, or `add_weight` of a layer.",
    "global_variables_initializer": _NO_GRAPHS,
    "gradients": "Use `tf.GradientTape`, or `jax.grad` over the pure form of a model: "
    "`model.apply(variables, x)`.",
    "hessians": "Use `jax.hessian`.",
    "io.decode_proto": _RECORDS,
    "io.parse_sequence_example": _RECORDS,
    "layers": "Use `keras.layers`.",
    "lite": "Models are not exported yet.",
    "map_fn": None,
    "nn.dynamic_rnn": "Use `keras.layers.RNN`.",
    "nn.nce_loss": "Use `tf.nn.sigmoid_cross_entropy_with_logits` on classes that you draw.",
    "nn.rnn_cell": "Use `keras.layers.LSTMCell` and `keras.layers.RNN`.",
    "nn.sampled_softmax_loss": "Use `tf.nn.softmax_cross_entropy_with_logits` on classes that "
    "you draw.",
    "placeholder": _NO_GRAPHS,
    "profiler": "Use `jax.profiler`, or `keras.callbacks.TensorBoard(profile_batch=...)`.",
    "python": "It is TensorFlow's own.",
    "quantization": "Models are not quantized yet.",
    "queue": "Use `tf.data.Dataset`.",
    "raw_ops": "Use the function's name in `tf`.",
    "reset_default_graph": _NO_GRAPHS,
    "strings.to_hash_bucket": "Use `tf.strings.to_hash_bucket_fast`, which is the same everywhere.",
    "to_float": "Use `tf.cast(x, tf.float32)`.",
    "to_int32": "Use `tf.cast(x, tf.int32)`.",
    "tpu": "Use `keras.distribution`; JAX finds TPUs by itself.",
    "train.Saver": "Use `tf.train.Checkpoint`, or `model.save_weights` and `load_weights`.",
    "train.AdamOptimizer": _TRAIN_OPTIMIZER,
    "train.GradientDescentOptimizer": _TRAIN_OPTIMIZER,
    "train.MomentumOptimizer": _TRAIN_OPTIMIZER,
    "train.RMSPropOptimizer": _TRAIN_OPTIMIZER,
    "types": "Types of arguments: `fkeras.types`.",
    "variable_scope": _NO_GRAPHS,
    "while_v2": "Use `tf.while_loop`.",
    "xla": "All is compiled by XLA.",
}
del INSTEAD["map_fn"]
# Where else to look, by the module that a name was looked for in.
_ELSEWHERE = {
    "": "Look for it in `keras.ops` or `jax.numpy`.",
    "config": "Look for it in `keras.config`; devices are `jax.devices()`.",
    "data": "Look for it in `keras.utils`.",
    "image": "Look for it in `keras.ops.image`.",
    "linalg": "Look for it in `keras.ops.linalg` or `jax.numpy.linalg`.",
    "nn": "Look for it in `keras.ops` or `jax.nn`.",
    "random": "Look for it in `keras.random`.",
}
# Packages around TensorFlow, which cannot do without it.
PACKAGES = {
    "tensorflow_addons": "Its layers, losses and optimizers are in `keras` by now: "
    "`keras.layers.GroupNormalization`, `keras.optimizers.AdamW`, `keras.metrics.F1Score`, "
    "`keras.losses.CategoricalFocalCrossentropy`.",
    "tensorflow_datasets": "Use `keras.datasets`, or Hugging Face `datasets`, which `fit` takes.",
    "tensorflow_decision_forests": "Use scikit-learn's or XGBoost's forests.",
    "tensorflow_hub": "Pretrained Flax modules are taken in by `keras.layers.FlaxLayer`.",
    "tensorflow_io": "Read the files with Python's own tools, and pass arrays to "
    "`tf.data.Dataset`.",
    "tensorflow_probability": "Use `numpyro`, `distrax` or `tfp-nightly[jax]` "
    "(`tensorflow_probability.substrates.jax`).",
    "tensorflow_text": "Use `tf.strings`, or Hugging Face `tokenizers`.",
}


def message(module: str, name: str, names: Iterable[str], elsewhere: str = "") -> str:
    """What to say of a name of TensorFlow that is not there.

    Args:
        module: where it was looked for: `''` for `tf` itself, `'math'`, `'config.experimental'`.
        name: what was looked for.
        names: what the module has.
        elsewhere: another module that has the name; empty where none is known.

    Examples:
        >>> print(message("train", "Saver", []).partition(". ")[0])
        fkeras has no `tf.train.Saver`
        >>> print(message("math", "reduce_men", ["reduce_mean"]))
        fkeras has no `tf.math.reduce_men`. Did you mean `tf.math.reduce_mean`?
        >>> print(message("", "log", [], "math"))
        fkeras has no `tf.log`. Use `tf.math.log`.
    """
    inside = f"{module}.{name}".strip(".")
    parts = inside.split(".")
    for end in range(len(parts), 0, -1):
        known = ".".join(parts[:end])
        if known in INSTEAD:
            return f"fkeras has no `tf.{inside}`. {INSTEAD[known]}"
    if elsewhere:
        return f"fkeras has no `tf.{inside}`. Use `tf.{elsewhere}.{name}`."
    close = nearest(name, names, 1)
    if close:
        right = f"{module}.{close[0]}".strip(".")
        return f"fkeras has no `tf.{inside}`. Did you mean `tf.{right}`?"
    hint = _ELSEWHERE.get(parts[0] if len(parts) > 1 else "", _ELSEWHERE[""])
    return f"fkeras has no `tf.{inside}`. {hint}"
