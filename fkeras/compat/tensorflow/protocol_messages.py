"""The protocol buffers of TensorFlow that scripts read and write: `tf.train.Example` and its kin.

Their classes are made by `protobuf` from the table here, which has the names and numbers of fields.
"""

from __future__ import annotations

import functools
from typing import Any

# message -> field -> (number, type); `*` repeats it, `map` is one from names to messages, and
# those of `_ONE_OF` exclude each other.
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "BytesList": {"value": (1, "*bytes")},
    "FloatList": {"value": (1, "*float")},
    "Int64List": {"value": (1, "*int64")},
    "Feature": {
        "bytes_list": (1, "BytesList"),
        "float_list": (2, "FloatList"),
        "int64_list": (3, "Int64List"),
    },
    "Features": {"feature": (1, "map Feature")},
    "FeatureList": {"feature": (1, "*Feature")},
    "FeatureLists": {"feature_list": (1, "map FeatureList")},
    "Example": {"features": (1, "Features")},
    "SequenceExample": {"context": (1, "Features"), "feature_lists": (2, "FeatureLists")},
    "Dimension": {"size": (1, "int64")},
    "TensorShapeProto": {"dim": (2, "*Dimension")},
    "TensorProto": {
        "dtype": (1, "int32"),
        "tensor_shape": (2, "TensorShapeProto"),
        "tensor_content": (4, "bytes"),
        "string_val": (8, "*bytes"),
    },
}
_ONE_OF = {"Feature": "kind"}
_PACKAGE = "tensorflow"


@functools.cache
def message(name: str) -> Any:
    """The class of a message, such as `'Example'`."""
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@functools.cache
def _pool() -> Any:
    """Descriptors in a pool of ours: TensorFlow and TensorBoard have the same names in theirs."""
    from google.protobuf import descriptor_pb2, descriptor_pool

    file = descriptor_pb2.FileDescriptorProto(
        name="fkeras/example.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        made = file.message_type.add(name=name)
        if name in _ONE_OF:
            made.oneof_decl.add(name=_ONE_OF[name])
        for field, (number, kind) in fields.items():
            added = _add_field(made, name, field, number, kind)
            if name in _ONE_OF:
                added.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add_field(made: Any, message_name: str, field: str, number: int, kind: str) -> Any:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

    added = made.field.add(name=field, number=number)
    repeats = kind.startswith(("*", "map "))
    added.label = Field.LABEL_REPEATED if repeats else Field.LABEL_OPTIONAL
    plain = kind.removeprefix("*").removeprefix("map ")
    if kind.startswith("map "):
        # A map is a list of pairs, whose message has the field's name in capitals.
        pair_name = "".join(part.capitalize() for part in field.split("_")) + "Entry"
        pair = made.nested_type.add(name=pair_name)
        pair.options.map_entry = True
        _add_field(pair, message_name, "key", 1, "string")
        _add_field(pair, message_name, "value", 2, plain)
        plain = f"{message_name}.{pair_name}"
    scalar = getattr(Field, f"TYPE_{plain.upper()}", None)
    added.type = Field.TYPE_MESSAGE if scalar is None else scalar
    if scalar is None:
        added.type_name = f".{_PACKAGE}.{plain}"
    return added
