"""TEMPORARY stand-in, to be replaced (overwrite this file)."""
from fkeras.core import registry
class Constraint:
    @classmethod
    def from_config(cls, config): return cls(**config)
def get(x):
    if isinstance(x, dict): return registry.deserialize_keras_object(x)
    return x
def serialize(x): return registry.serialize_keras_object(x)
