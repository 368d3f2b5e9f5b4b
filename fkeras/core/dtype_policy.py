"""Which dtype a layer computes in and which it keeps its weights in."""

import re

from fkeras.core import settings
from fkeras.core.dtypes import standardize_dtype
from fkeras.core.symbolic.keras_tensor import KerasTensor
from fkeras.errors import UserInputError, UserTypeError

_MIXED = {"mixed_float16": ("float16", "float32"), "mixed_bfloat16": ("bfloat16", "float32")}
QUANTIZATION_MODES = ("int8", "float8", "int4", "ternary", "gptq", "awq")


class DTypePolicy:
    """The pair of dtypes of a layer: `compute_dtype` for its inputs and arithmetic,
    `variable_dtype` for its weights.

    Args:
        name: a dtype name (both the same), `'mixed_bfloat16'` or `'mixed_float16'` (weights in
            float32); None for the global policy's.

    Examples:
        >>> import fkeras
        >>> policy = fkeras.dtype_policies.DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, name=None):
        self._name = dtype_policy().name if name is None else name
        self._compute_dtype, self._variable_dtype = _parse(self._name)
        self._quantization_mode = None

    name = property(lambda self: self._name)
    compute_dtype = property(lambda self: self._compute_dtype)
    variable_dtype = property(lambda self: self._variable_dtype)
    quantization_mode = property(lambda self: self._quantization_mode)

    def convert_input(self, x, autocast, dtype):
        """An array or KerasTensor in `dtype` where it is float and autocast is on; anything else as
        it is.
        """
        from_dtype = getattr(x, "dtype", None)
        if from_dtype is None:
            return x
        if not (autocast and is_float(from_dtype)) or standardize_dtype(
            from_dtype
        ) == standardize_dtype(dtype):
            return x
        if isinstance(x, KerasTensor):
            cast = KerasTensor(x.shape, dtype=dtype, sparse=x.sparse, ragged=x.ragged, name=x.name)
            cast._keras_history = x._keras_history
            return cast
        return x.astype(dtype)

    def get_config(self):
        return {"name": self.name}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __eq__(self, other):
        return type(other) is type(self) and other.get_config() == self.get_config()

    def __hash__(self):
        return hash((type(self), self._name))

    def __repr__(self):
        return f'<{type(self).__name__} "{self._name}">'


FloatDTypePolicy = DTypePolicy


def _parse(name):
    """The compute and variable dtypes of a policy that is not quantized."""
    if not isinstance(name, str):
        raise UserTypeError(
            "DTypePolicy: 'name' must be a string, such as 'mixed_bfloat16'. Received: "
            f"name={name} (of type {type(name)})"
        )
    if name in _MIXED:
        return _MIXED[name]
    try:
        dtype = standardize_dtype(name)
    except ValueError:
        raise UserInputError(
            f"Cannot convert '{name}' to a mixed precision DTypePolicy. Valid policies include "
            "'mixed_float16', 'mixed_bfloat16', and the name of any float dtype such as 'float32'."
        ) from None
    return dtype, dtype


# -- quantized layers ----------------------------------------------------------


class QuantizedDTypePolicy(DTypePolicy):
    """The policy of a layer whose kernel is kept in few bits.

    Args:
        mode: `'int8'`, `'float8'`, `'int4'`, ...
        source_name: name of the policy that the layer had before; None for the global policy's.

    Examples:
        >>> import fkeras
        >>> policy = fkeras.dtype_policies.QuantizedDTypePolicy("int8", "mixed_bfloat16")
        >>> policy.name, policy.compute_dtype, policy.quantization_mode
        ('int8_from_mixed_bfloat16', 'bfloat16', 'int8')
    """

    def __init__(self, mode, source_name=None):
        self._source_name = dtype_policy().name if source_name is None else source_name
        self._compute_dtype, self._variable_dtype = _parse(self._source_name)
        self._full_mode, self._quantization_mode = self._parse_mode(mode)
        if self._quantization_mode not in QUANTIZATION_MODES:
            raise UserInputError(
                f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: "
                f"mode={mode}"
            )
        if self._quantization_mode == "int8" and self._compute_dtype == "float16":
            raise UserInputError(
                f"Quantization mode={mode!r} doesn't work well with compute_dtype='float16'. Use "
                "bfloat16 or float32."
            )
        self._name = f"{self._full_mode}_from_{self._source_name}"

    def _parse_mode(self, mode):
        """The mode as it is written in names, and without its parameters."""
        return mode, mode

    def get_config(self):
        return {"mode": self._full_mode, "source_name": self._source_name}


class QuantizedFloat8DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer trained in float8.

    Args:
        mode, source_name: see `QuantizedDTypePolicy`.
        amax_history_length: steps over which the largest magnitudes are remembered to choose
            scales.
    """

    default_amax_history_length = 1024

    def __init__(self, mode, source_name=None, amax_history_length=1024):
        super().__init__(mode, source_name)
        if not isinstance(amax_history_length, int):
            raise UserTypeError(
                "`amax_history_length` must be an integer. Received: "
                f"amax_history_length={amax_history_length!r}"
            )
        self._amax_history_length = amax_history_length

    amax_history_length = property(lambda self: self._amax_history_length)

    def get_config(self):
        return {**super().get_config(), "amax_history_length": self.amax_history_length}


class Int4DTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer whose kernel is kept in 4 bits, with one scale for each block of rows.

    Args:
        mode: `'int4/128'` for blocks of 128 rows, `'int4/-1'` for one scale a column.
        source_name: see `QuantizedDTypePolicy`.
    """

    def _parse_mode(self, mode):
        mode = "int4/-1" if mode == "int4/None" else mode  # as older files have it
        self.mode, (self.block_size,) = _parameters(self, mode, "int4/<block_size>")
        return mode, self.mode


class GPTQDTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer quantized by GPTQ.

    Args:
        mode: `'gptq/4/128'`: 4 bits (2, 3, 4 or 8), groups of 128 (-1: the whole kernel).
        source_name: see `QuantizedDTypePolicy`.
    """

    _bits = (2, 3, 4, 8)
    _format = "gptq/<weight_bits>/<group_size>"

    def _parse_mode(self, mode):
        self.mode, (self.weight_bits, self.group_size) = _parameters(self, mode, self._format)
        if self.weight_bits not in self._bits:
            raise UserInputError(
                f"Invalid weight_bits in mode. Supported values are {self._bits}, but got "
                f"{self.weight_bits} from '{mode}'."
            )
        return mode, self.mode


class AWQDTypePolicy(GPTQDTypePolicy):
    """The policy of a layer quantized by AWQ.

    Args:
        mode: `'awq/4/128'`: always 4 bits, groups of 128 (-1: one scale a column).
        source_name: see `QuantizedDTypePolicy`.
    """

    _bits = (4,)
    _format = "awq/<weight_bits>/<group_size>"


class TernaryDTypePolicy(QuantizedDTypePolicy):
    """The policy of a layer whose kernel holds only -1, 0 and 1, times a scale."""


def _parameters(policy, mode, form):
    """The base mode and the ints of `'gptq/4/128'`; the last int is a size: positive, or -1."""
    parts = mode.split("/")
    expected = form.split("/")
    where = f"mode for {type(policy).__name__}. Expected format '{form}', but got '{mode}'."
    if len(parts) != len(expected) or parts[0] != expected[0]:
        raise UserInputError(f"Invalid {where}")
    try:
        values = tuple(int(p) for p in parts[1:])
    except ValueError:
        raise UserInputError(
            f"Invalid {where} All of {', '.join(expected[1:])} must be integers."
        ) from None
    if values[-1] < -1 or values[-1] == 0:
        raise UserInputError(
            f"Invalid {expected[-1][1:-1]} in mode. Supported values are -1 or a positive integer, "
            f"but got {values[-1]} from '{mode}'."
        )
    return parts[0], values


_BY_MODE = {
    "float8": QuantizedFloat8DTypePolicy,
    "int4/": Int4DTypePolicy,
    "ternary": TernaryDTypePolicy,
    "gptq": GPTQDTypePolicy,
    "awq": AWQDTypePolicy,
}


def _from_quantized_name(name):
    mode, *source = name.split("_from_")
    if len(source) != 1:
        raise UserInputError(
            "Cannot convert `policy` into a valid pair (`mode`, `source_name`) such as "
            f"'int8_from_float32'. Received: policy={name!r}"
        )
    cls = next(
        (cls for start, cls in _BY_MODE.items() if mode.startswith(start)), QuantizedDTypePolicy
    )
    return cls(mode, source[0])


# -- policies by path ----------------------------------------------------------


class DTypePolicyMap:
    """Policies by the path of a layer, with a default for all others.

    Args:
        default_policy: policy or name for paths that are not in the map; None for the global one.
        policy_map: dict from a layer path to a policy. A key that is a regular expression counts
            for all the paths it matches fully.
    """

    def __init__(self, default_policy=None, policy_map=None):
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

    default_policy = property(lambda self: self._default_policy)
    name = property(lambda self: "map_" + self.default_policy.name)
    compute_dtype = property(lambda self: self.default_policy.compute_dtype)
    variable_dtype = property(lambda self: self.default_policy.variable_dtype)
    quantization_mode = property(lambda self: self.default_policy.quantization_mode)

    def __getitem__(self, key):
        if key in self._policy_map:
            return self._policy_map[key]
        matches = [k for k in self._policy_map if re.fullmatch(k, key)]
        if len(matches) > 1:
            raise UserInputError(
                f"Path '{key}' matches multiple dtype policy specification keys: {matches}. Please "
                "make sure each path only matches at most one dtype policy specification key."
            )
        return self._policy_map[matches[0]] if matches else self.default_policy

    def __setitem__(self, key, policy):
        if key in self._policy_map:
            raise UserInputError(
                f"{key} already exist in the DTypePolicyMap with value {self._policy_map[key]}. "
                "Use `del` first."
            )
        try:
            self._policy_map[key] = get(policy)
        except ValueError as error:
            raise UserInputError(f"Cannot interpret the assigned value. {error}") from None

    def __delitem__(self, key):
        del self._policy_map[key]

    def __contains__(self, key):
        return key in self._policy_map

    def __len__(self):
        return len(self._policy_map)

    def __iter__(self):
        return iter(self._policy_map)

    def keys(self):
        return self._policy_map.keys()

    def values(self):
        return self._policy_map.values()

    def items(self):
        return self._policy_map.items()

    def get(self, key, default=None):
        return self._policy_map.get(key, default)

    def pop(self, key, *default):
        return self._policy_map.pop(key, *default)

    def convert_input(self, x, autocast, dtype):
        return self.default_policy.convert_input(x, autocast, dtype)

    def get_config(self):
        default = self._default_policy_arg
        policies = {k: serialize(v) for k, v in self._policy_map.items()}
        if default is None:  # the policies follow the global one of the program that loads them
            for made in policies.values():
                made["config"].update(
                    {k: None for k in ("name", "source_name") if k in made["config"]}
                )
        return {
            "default_policy": default
            if isinstance(default, (str, type(None)))
            else serialize(default),
            "policy_map": policies,
        }

    @classmethod
    def from_config(cls, config):
        policies = {k: get(v) for k, v in (config.get("policy_map") or {}).items()}
        default = config.get("default_policy")
        return cls(
            default_policy=get(default) if isinstance(default, dict) else default,
            policy_map=policies,
        )

    def __eq__(self, other):
        return isinstance(other, DTypePolicyMap) and other.get_config() == self.get_config()

    def __hash__(self):
        return hash((type(self), self.name, len(self._policy_map)))

    def __repr__(self):
        mapping = [(k, v.name) for k, v in self._policy_map.items()]
        return f"<DTypePolicyMap at {hex(id(self))} default_policy={self.default_policy}, mapping={mapping}>"


# -- the global policy, and policies by name -----------------------------------


_KINDS = {
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
_KINDS["FloatDTypePolicy"] = DTypePolicy


def is_float(dtype) -> bool:
    return "float" in (dtype if isinstance(dtype, str) else standardize_dtype(dtype))


def dtype_policy():
    """The global policy: what a layer gets that is given none."""
    policy = settings.get("dtype_policy")
    return DTypePolicy(settings.floatx()) if policy is None else policy


def set_dtype_policy(policy) -> None:
    """Sets the global policy: a name such as `'mixed_bfloat16'`, a `DTypePolicy` or a
    `DTypePolicyMap`.
    """
    if not isinstance(policy, (str, DTypePolicy, DTypePolicyMap)):
        raise UserInputError(
            "Invalid `policy` argument. Expected the name of a policy (such as 'mixed_bfloat16') "
            f"or a `DTypePolicy`. Received: policy={policy} (of type {type(policy)})"
        )
    settings.put("dtype_policy", get(policy))


def serialize(dtype_policy) -> dict:
    """The policy's config: class name and arguments."""
    return {
        "module": "keras" if type(dtype_policy) is DTypePolicy else "keras.dtype_policies",
        "class_name": type(dtype_policy).__name__,
        "config": dtype_policy.get_config(),
        "registered_name": None,
    }


def deserialize(config, custom_objects=None):
    """The policy that a config, a name or None describes. `custom_objects`: further classes by
    name.
    """
    if isinstance(config, dict) and config.get("class_name") in (custom_objects or {}):
        return custom_objects[config["class_name"]].from_config(config["config"])
    return get(config)


def get(identifier):
    """A policy from a policy, a name, a config or None (the global policy)."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, (DTypePolicy, DTypePolicyMap)):
        return identifier
    if isinstance(identifier, dict):
        if identifier.get("class_name") not in _KINDS:
            raise UserInputError(
                f"Cannot interpret `dtype` argument. Expected a config of one of {sorted(_KINDS)}. "
                f"Received: {identifier}"
            )
        return _KINDS[identifier["class_name"]].from_config(identifier["config"])
    if isinstance(identifier, str):
        return _from_name(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except (TypeError, ValueError):
        raise UserInputError(
            "Cannot interpret `dtype` argument. Expected a string or an instance of DTypePolicy. "
            f"Received: dtype={identifier!r}"
        ) from None


def _from_name(name):
    if name.startswith(QUANTIZATION_MODES):
        try:
            standardize_dtype(name)  # 'int8' and 'float8_e4m3fn' are dtypes, too
        except ValueError:
            return _from_quantized_name(name)
    return DTypePolicy(name)
