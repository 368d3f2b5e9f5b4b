"""`keras.utils`: tools around training. A table of contents; names load from their rooms when first used."""

import importlib

_NAMES = {
    "fkeras.backend": ("clear_session", "is_keras_tensor"),
    "fkeras.callbacks": ("Progbar",),
    "fkeras.config": ("disable_interactive_logging", "enable_interactive_logging", "is_interactive_logging_enabled"),
    "fkeras.core.registry": (
        "CustomObjectScope",
        "custom_object_scope",
        "deserialize_keras_object",
        "get_custom_objects",
        "get_registered_name",
        "get_registered_object",
        "register_keras_serializable",
        "serialize_keras_object",
    ),
    "fkeras.core.seeds": ("set_random_seed",),
    "fkeras.core.symbolic": ("standardize_dtype",),
    "fkeras.data": (
        "PyDataset",
        "audio_dataset_from_directory",
        "image_dataset_from_directory",
        "pack_x_y_sample_weight",
        "pad_sequences",
        "split_dataset",
        "text_dataset_from_directory",
        "timeseries_dataset_from_array",
        "unpack_x_y_sample_weight",
    ),
    "fkeras.utils.config": ("Config",),
    "fkeras.utils.encoding": ("normalize", "to_categorical"),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}
_SUBMODULES = ("bounding_boxes", "legacy")
__all__ = [*_HOMES, "Sequence", *_SUBMODULES]  # noqa: PLE0604


def __getattr__(name):
    if name in _SUBMODULES:
        return importlib.import_module(f"fkeras.utils.{name}")
    home = _HOMES.get("PyDataset" if name == "Sequence" else name)
    if home is None:
        raise AttributeError(f"module 'fkeras.utils' has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(home), "PyDataset" if name == "Sequence" else name)
    return value


def __dir__():
    return sorted({*globals(), *__all__})
