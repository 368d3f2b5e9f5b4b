"""What models of older Keras could do under other names, and what they cannot do yet: for the
message that asks where a method is.
"""

from __future__ import annotations

from fkeras.errors import nearest

_GENERATORS = "`{new}` takes generators: `model.{new}(generator, ...)`."
_CLASSES = (
    "For several classes: `model.predict(x).argmax(axis=-1)`; for one sigmoid unit: "
    "`model.predict(x) > 0.5`."
)

INSTEAD: dict[str, str] = {
    "fit_generator": _GENERATORS.format(new="fit"),
    "evaluate_generator": _GENERATORS.format(new="evaluate"),
    "predict_generator": _GENERATORS.format(new="predict"),
    "predict_classes": _CLASSES,
    "predict_proba": "`model.predict(x)` returns probabilities where the model ends with them.",
    "to_yaml": "Use `model.to_json()`.",
    "export": "Models are not exported yet; `jax.export.export(jax.jit(function))` writes a "
    "function around `model.apply` as StableHLO.",
    "quantize": "Models are not quantized yet; half precision is there: "
    "`fkeras.config.set_dtype_policy('mixed_bfloat16')`.",
}


def describe_missing(model: object, name: str) -> str:
    """What to say of an attribute that a model does not have."""
    plain = f"{type(model).__name__!r} object has no attribute {name!r}"
    if name.startswith("_"):
        return plain  # probed for by tools
    if name in INSTEAD:
        return f"{plain}. {INSTEAD[name]}"
    close = nearest(name, [known for known in dir(type(model)) if not known.startswith("_")], 1)
    return f"{plain}. Did you mean {close[0]!r}?" if close else plain
