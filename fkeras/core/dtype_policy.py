"""Dtype policies by name and by path: what a `dtype=` argument stands for."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from fkeras.core import settings, tracebacks
from fkeras.core.dtypes import is_float as is_float
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.float_policies import DTypePolicy as DTypePolicy
from fkeras.core.float_policies import FloatDTypePolicy as FloatDTypePolicy
from fkeras.core.float_policies import dtype_policy as dtype_policy
from fkeras.core.quantized_policies import (
    QUANTIZATION_MODES,
    AWQDTypePolicy,
    GPTQDTypePolicy,
    Int4DTypePolicy,
    QuantizedDTypePolicy,
    QuantizedFloat8DTypePolicy,
    TernaryDTypePolicy,
    from_quantized_name,
)
from fkeras.errors import UserInputError, UserTypeError

if TYPE_CHECKING:
    from fkeras.types import Config, DTypeLike, DTypePolicyLike

Policy: TypeAlias = Union[DTypePolicy, "DTypePolicyMap"]


class DTypePolicyMap:
    """Policies by the path of a layer, with a default for all others.

    Args:
        default_policy: policy or name for paths that are not in the map; None for the global one.
        policy_map: dict from a layer path to a policy. A key that is a regular expression counts
            for all the paths it matches fully.

    Raises:
        UserInputError: a map as the default.
        UserTypeError: a `policy_map` that is no dict.

    Examples:
        >>> import fkeras
        >>> policies = fkeras.dtype_policies.DTypePolicyMap("float32")
        >>> policies["encoder/.*"] = "mixed_bfloat16"
        >>> policies["encoder/dense"].compute_dtype, policies["head"].compute_dtype
        ('bfloat16', 'float32')
    """

    def __init__(
        self,
        default_policy: DTypePolicyLike | None = None,
        policy_map: dict[str, DTypePolicy] | None = None,
    ) -> None:
        if isinstance(default_policy, DTypePolicyMap):
            raise UserInputError("`default_policy` cannot be a `DTypePolicyMap`.")
        if policy_map is not None and not isinstance(policy_map, dict):
            raise UserTypeError(
                "If specified, `policy_map` must be a dict. "
                f"Received: policy_map={policy_map} (of type {type(policy_map)})"
            )
        self._default_policy_arg = default_policy
        self._default_policy = get(default_policy)
        self._policy_map = policy_map or {}

    @property
    def default_policy(self) -> DTypePolicy:
        return self._default_policy

    @property
    def name(self) -> str:
        return "map_" + self.default_policy.name

    @property
    def compute_dtype(self) -> str:
        """The default policy's."""
        return self.default_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The default policy's."""
        return self.default_policy.variable_dtype

    @property
    def quantization_mode(self) -> str | None:
        """The default policy's."""
        return self.default_policy.quantization_mode

    def __getitem__(self, key: str) -> DTypePolicy:
        if key in self._policy_map:
            return self._policy_map[key]
        matches = [k for k in self._policy_map if re.fullmatch(k, key)]
        if len(matches) > 1:
            raise UserInputError(
                f"Path '{key}' matches multiple dtype policy specification keys: {matches}. Please "
                "make sure each path only matches at most one dtype policy specification key."
            )
        return self._policy_map[matches[0]] if matches else self.default_policy

    def __setitem__(self, key: str, policy: DTypePolicyLike) -> None:
        if key in self._policy_map:
            raise UserInputError(
                f"{key} already exist in the DTypePolicyMap with value {self._policy_map[key]}. "
                "Use `del` first."
            )
        try:
            self._policy_map[key] = get(policy)
        except ValueError as error:
            raise UserInputError(f"Cannot interpret the assigned value. {error}") from None

    def __delitem__(self, key: str) -> None:
        del self._policy_map[key]

    def __contains__(self, key: object) -> bool:
        return key in self._policy_map

    def __len__(self) -> int:
        return len(self._policy_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policy_map)

    def keys(self) -> KeysView[str]:
        return self._policy_map.keys()

    def values(self) -> ValuesView[DTypePolicy]:
        return self._policy_map.values()

    def items(self) -> ItemsView[str, DTypePolicy]:
        return self._policy_map.items()

    def get(self, key: str, default: Any = None) -> Any:
        """The policy of exactly this key, or the default."""
        return self._policy_map.get(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        """Takes the policy of exactly this key out of the map."""
        return self._policy_map.pop(key, *default)

    def convert_input(self, x: Any, autocast: bool, dtype: DTypeLike) -> Any:
        """See `DTypePolicy.convert_input`."""
        return self.default_policy.convert_input(x, autocast, dtype)

    def get_config(self) -> Config:
        default = self._default_policy_arg
        policies = {k: serialize(v) for k, v in self._policy_map.items()}
        if default is None:  # the policies follow the global one of the program that loads them
            for policy_config in policies.values():
                for name in ("name", "source_name"):
                    if name in policy_config["config"]:
                        policy_config["config"][name] = None
        is_plain = isinstance(default, (str, type(None)))
        return {
            "default_policy": default if is_plain else serialize(default),
            "policy_map": policies,
        }

    @classmethod
    def from_config(cls, config: Config) -> DTypePolicyMap:
        policies = {k: get(v) for k, v in (config.get("policy_map") or {}).items()}
        default = config.get("default_policy")
        return cls(
            default_policy=get(default) if isinstance(default, dict) else default,
            policy_map=policies,
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicyMap) and other.get_config() == self.get_config()

    def __hash__(self) -> int:
        return hash((type(self), self.name, len(self._policy_map)))

    def __repr__(self) -> str:
        mapping = [(k, v.name) for k, v in self._policy_map.items()]
        return (
            f"<DTypePolicyMap at {hex(id(self))} default_policy={self.default_policy}, "
            f"mapping={mapping}>"
        )


# -- the global policy, and policies by name -----------------------------------


@tracebacks.filtered
def set_dtype_policy(policy: str | Policy) -> None:
    """Sets the global policy.

    A name such as `'mixed_bfloat16'`, a `DTypePolicy` or a `DTypePolicyMap`.

    Raises:
        UserInputError: something else.
    """
    if not isinstance(policy, (str, DTypePolicy, DTypePolicyMap)):
        raise UserInputError(
            "Invalid `policy` argument. Expected the name of a policy (such as 'mixed_bfloat16') "
            f"or a `DTypePolicy`. Received: policy={policy} (of type {type(policy)})"
        )
    settings.put("dtype_policy", get(policy))


_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        DTypePolicy,
        QuantizedDTypePolicy,
        QuantizedFloat8DTypePolicy,
        Int4DTypePolicy,
        GPTQDTypePolicy,
        AWQDTypePolicy,
        TernaryDTypePolicy,
        DTypePolicyMap,
    )
}
_CLASSES["FloatDTypePolicy"] = DTypePolicy


def serialize(dtype_policy: Policy) -> Config:
    """The policy's config: class name and arguments."""
    return {
        "module": "keras" if type(dtype_policy) is DTypePolicy else "keras.dtype_policies",
        "class_name": type(dtype_policy).__name__,
        "config": dtype_policy.get_config(),
        "registered_name": None,
    }


def deserialize(
    config: DTypePolicyLike | None, custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The policy that a config, a name or None describes.

    Args:
        config: what `serialize` returned, a name, or None for the global policy.
        custom_objects: dict from names to further classes.
    """
    custom_objects = custom_objects or {}
    if isinstance(config, dict) and config.get("class_name") in custom_objects:
        return custom_objects[config["class_name"]].from_config(config["config"])
    return get(config)


def get(identifier: DTypePolicyLike | Policy | None) -> Any:
    """A policy from a policy, a name, a config or None (the global policy).

    Raises:
        UserInputError: anything else, and unknown names.
    """
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, (DTypePolicy, DTypePolicyMap)):
        return identifier
    if isinstance(identifier, dict):
        if identifier.get("class_name") not in _CLASSES:
            raise UserInputError(
                "Cannot interpret `dtype` argument. Expected a config of one of "
                f"{sorted(_CLASSES)}. Received: {identifier}"
            )
        return _CLASSES[identifier["class_name"]].from_config(identifier["config"])
    if isinstance(identifier, str):
        return _from_name(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (TypeError, ValueError):
        raise UserInputError(
            "Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
            f"Received: dtype={identifier!r}"
        ) from None


def _from_name(name: str) -> DTypePolicy:
    if name.startswith(QUANTIZATION_MODES):
        try:
            standardize_dtype(name)  # 'int8' and 'float8_e4m3fn' are dtypes, too
        except ValueError:
            return from_quantized_name(name)
    return DTypePolicy(name)
