"""`Configuration`: the part of a layer that turns into plain values and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from flax import nnx

from fkeras.core import dtype_policy
from fkeras.core.config import constructor, serialization
from fkeras.core.values.variable import Variable
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.layers.base import tracking
from fkeras.layers.base.argument_config import serialize_argument

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from fkeras.types import ArrayLike, Config


class Configuration:
    """The constructor's arguments as a config, and the layer's own values for a file."""

    def get_config(self) -> Config:
        """The constructor's arguments as plain values, from its signature and the attributes of the
        same names.

        Override it where an argument is not kept under its own name.
        """
        arguments = constructor.bind_arguments(type(self), *self._info.arguments)
        attributes = constructor.config_from_signature(self, arguments)
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policy.serialize(self._policy_for_config()),
        }
        for name in ("autocast", "weights"):
            attributes.pop(name, None)
        if attributes.get("activity_regularizer") is None:
            attributes.pop("activity_regularizer", None)
        for name, value in attributes.items():
            if name not in config:
                config[name] = serialize_argument(name, value)
        return config

    def _policy_for_config(self) -> dtype_policy.DTypePolicy | dtype_policy.DTypePolicyMap:
        """The dtype policy; with those of layers below that were quantized since, which this layer
        makes itself.
        """
        policy = self._info.dtype_policy
        if isinstance(policy, dtype_policy.DTypePolicyMap) or self._info.schemes:
            return policy
        below = (layer for _, layer in self._structure().layers)
        quantized = {layer.path: layer.dtype_policy for layer in below if layer._info.schemes}
        return dtype_policy.DTypePolicyMap(policy, quantized) if quantized else policy

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A layer from what `get_config` returned.

        Raises:
            UserTypeError: the constructor does not take what the config holds.
        """
        if isinstance(config.get("dtype"), dict):
            config = {**config, "dtype": _plain_policy(config["dtype"])}
        config = {
            name: serialization.deserialize_keras_object(value) if _holds_config(value) else value
            for name, value in config.items()
        }
        try:
            return cls(**config)
        except TypeError as error:
            raise UserTypeError(
                f"Error when deserializing class '{cls.__name__}' using config={config}.\n\n"
                f"Exception encountered: {error}"
            ) from error

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Puts the values of the layer's own Variables into a dict-like store under '0', '1',
        ...
        """
        for i, value in enumerate(self._values_for_files()):
            store[str(i)] = value

    def load_own_variables(self, store: MutableMapping[str, ArrayLike]) -> None:
        """Takes the values of the layer's own Variables from a dict-like store.

        Raises:
            UserInputError: the store holds another number of values, or values of other shapes.
        """
        own = self._own_variables()
        count = len(store.keys())
        if count != len(own):
            if not self.built and own == []:
                raise NotBuiltError(
                    f"Layer '{self.name}' was never built and thus it doesn't have any variables. "
                    f"However the weights file lists {count} variables for this layer. Build it "
                    "first, for example by calling it."
                )
            raise UserInputError(
                f"Layer '{self.name}' expected {len(own)} variables, but received {count} "
                f"variables during loading. Expected: {[v.name for v in own]}"
            )
        for i, variable in enumerate(own):
            variable.assign(self._as_kept(variable, store[str(i)]))
            for other, value in self._set_beside(variable):
                other.assign(value)

    def _own_variables(self) -> list[Variable]:
        """Weights that the layer holds itself, trainable ones first: Keras's order in files."""
        own = [
            child
            for _, child in tracking.direct_children(self)
            if isinstance(child, Variable) and child._meta.kind == "weight"
        ]
        return sorted(own, key=lambda variable: not isinstance(variable, nnx.Param))

    def _values_for_files(self) -> list[Any]:
        """What files hold for each of `_own_variables`: the Variable, or an array in its place."""
        return self._own_variables()

    def _as_kept(self, variable: Variable, value: ArrayLike) -> ArrayLike:
        """What a file holds for one of `_own_variables`, in the form that the layer keeps."""
        return value

    def _set_beside(self, variable: Variable) -> list[tuple[Variable, ArrayLike]]:
        """What else is to be set where one of `_own_variables` takes its value from a file."""
        return []


def _plain_policy(config: Config) -> str | dtype_policy.DTypePolicy:
    """A dtype policy's config as its name, where the name says all of it."""
    policy = dtype_policy.get(config)
    if isinstance(policy, dtype_policy.DTypePolicyMap) or policy.quantization_mode is not None:
        return policy
    return policy.name


def _holds_config(value: Any) -> bool:
    """Whether a value is the config of an object, or a list with one in it."""
    if isinstance(value, (list, tuple)):
        return any(_holds_config(v) for v in value)
    return isinstance(value, dict) and "class_name" in value and "config" in value
