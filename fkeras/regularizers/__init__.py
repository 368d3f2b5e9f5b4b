"""TEMPORARY stand-in, to be replaced (overwrite this file)."""
import jax.numpy as jnp
from fkeras.core import registry


class Regularizer:
    @classmethod
    def from_config(cls, config): return cls(**config)


class L1L2(Regularizer):
    def __init__(self, l1=0.0, l2=0.0): self.l1, self.l2 = l1 or 0.0, l2 or 0.0
    def __call__(self, x):
        x = jnp.asarray(x)
        return self.l1 * jnp.sum(jnp.abs(x)) + self.l2 * jnp.sum(jnp.square(x))
    def get_config(self): return {"l1": self.l1, "l2": self.l2}


class L2(L1L2):
    def __init__(self, l2=0.01): super().__init__(0.0, l2)
    def get_config(self): return {"l2": self.l2}


class L1(L1L2):
    def __init__(self, l1=0.01): super().__init__(l1, 0.0)
    def get_config(self): return {"l1": self.l1}


registry.add_builtins("keras.regularizers", {"L1": L1, "L2": L2, "L1L2": L1L2})
def get(x):
    if isinstance(x, str): return {"l1": L1, "l2": L2, "l1_l2": L1L2, "L1": L1, "L2": L2}[x]()
    if isinstance(x, dict): return registry.deserialize_keras_object(x)
    return x
def serialize(x): return registry.serialize_keras_object(x)
