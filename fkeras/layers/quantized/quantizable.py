"""`Quantizable`: a layer whose large weights can be kept in few bits."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fkeras.core import dtype_policy
from fkeras.core.values import lending, stacking
from fkeras.errors import UserInputError
from fkeras.layers.base import building
from fkeras.layers.base.quantizing import check_quantizable, not_implemented, unknown_mode
from fkeras.layers.quantized import observing
from fkeras.layers.quantized.calibrated import Calibrated
from fkeras.layers.quantized.whole_numbers import WholeNumbers
from fkeras.quantizers import resolving
from fkeras.quantizers.calibrated_configs import for_files
from fkeras.quantizers.configs import QuantizationConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import jax

    from fkeras.core.values.variable import Variable
    from fkeras.layers.quantized.layouts import WeightLayout
    from fkeras.layers.quantized.products import MatrixProduct
    from fkeras.layers.quantized.scheme import Scheme
    from fkeras.types import ArrayLike, Config, Shape, Tensor


class Quantizable:
    """Mixed into layers with large weights, before `LowRankAdaptable` and `Layer`.

    A class says which its large weights are (`_large_weights`, the others in `_other_weights`), how
    they lie (`_layouts`), and which schemes it knows by mode (`_schemes`). A subclass that does not
    say it anew may use the weight in another way: it is quantized with `type_check=False` only.

    Attributes:
        quantization_config: what the layer was quantized with, or None.
    """

    _schemes: ClassVar[dict[str, type[Scheme]]] = {}
    _large_weights: tuple[str, ...] = ("kernel",)
    _other_weights: ClassVar[tuple[str, ...]] = ()
    quantization_config: QuantizationConfig | None = None

    def _layouts(self, shape: Shape) -> Sequence[WeightLayout]:
        """The layouts of the large weights.

        Args:
            shape: of the first one, as floats.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `_layouts(shape)`.")

    def _ask_for_quantization(self, config: QuantizationConfig | None) -> None:
        """What the constructor was given."""
        if config is not None and not isinstance(config, QuantizationConfig):
            raise UserInputError(
                f"{type(self).__name__} '{self.name}': `quantization_config` must be a "
                f"`QuantizationConfig`. Received: {config!r}"
            )
        self.quantization_config = config

    # -- making and changing -----------------------------------------------------

    def _quantized_build_keeps_weights(self, shape: Shape) -> bool:
        """Called in `build`: makes what the dtype policy's mode needs, and says whether the weights
        are to be made as floats.
        """
        if self.quantization_mode is None:
            return True
        self.quantized_build(shape, self.quantization_mode, self.quantization_config)
        return all(scheme.keeps_weight for scheme in self._info.schemes.values())

    def quantized_build(
        self, kernel_shape: Shape, mode: str, config: QuantizationConfig | None = None
    ) -> None:
        """Makes the Variables that stand in the place of the large weights.

        Args:
            kernel_shape: of the first large weight, as floats.
            mode: the mode.
            config: what to do in detail; None for what the dtype policy says.

        Raises:
            NotImplementedError: the layer does not have the mode.
        """
        self._make_variables(self._schemes_for(mode, config, kernel_shape))

    def _schemes_for(
        self, mode: str, config: QuantizationConfig | None, shape: Shape
    ) -> dict[str, Scheme]:
        if mode not in self._schemes:
            raise unknown_mode(self, tuple(self._schemes), mode)
        self._refuse_adapters(mode)
        policy = self.dtype_policy
        config = resolving.for_build(mode, policy, config)
        make = self._schemes[mode]
        return {layout.name: make(layout, config, policy) for layout in self._layouts(shape)}

    def _make_variables(self, schemes: dict[str, Scheme]) -> None:
        with building.adding_weights(self):
            for scheme in schemes.values():
                for attribute, options in scheme.variables().items():
                    arguments = {"name": attribute.lstrip("_"), "trainable": False, **options}
                    setattr(self, attribute, self.add_weight(**arguments))
        self._info.schemes = schemes

    def quantize(
        self,
        mode: str | None = None,
        type_check: bool = True,
        config: QuantizationConfig | None = None,
    ) -> None:
        if isinstance(type_check, (QuantizationConfig, str)):  # `quantize("int8", config)`
            type_check, config = True, type_check
        check_quantizable(self, mode)
        config = resolving.resolve(mode, config)
        check_quantizable(self, config.mode)
        if type_check and "_schemes" not in vars(type(self)):
            raise not_implemented(self, "quantize")
        if config.mode not in self._schemes:
            raise unknown_mode(self, tuple(self._schemes), config.mode)
        weight = self._large_weight()
        shape = weight._meta.shape[len(weight._meta.blocks) :]
        schemes = self._schemes_for(config.mode, config, shape)
        encoded = self._encoded(schemes)
        for scheme in schemes.values():
            if encoded and not scheme.keeps_weight:
                delattr(self, scheme.layout.attribute)
        self._make_variables(schemes)
        for scheme in schemes.values():
            for attribute in scheme.variables():
                stacking.stack_like(getattr(self, attribute), weight)
        for attribute, value in encoded.items():
            getattr(self, attribute).assign(value)
        self.quantization_config = config
        if self.quantization_mode is None:
            name = f"{config.dtype_policy_string()}_from_{self.dtype_policy.name}"
            self.dtype_policy = dtype_policy.get(name)

    def _encoded(self, schemes: dict[str, Scheme]) -> dict[str, jax.Array]:
        """What is kept of the large weights of floats, by attribute."""
        encoded = {}
        for scheme in schemes.values():
            variable = vars(self)[scheme.layout.attribute]
            blocks = variable._meta.blocks
            if blocks and isinstance(scheme, Calibrated):
                raise UserInputError(
                    f"Layer '{self.name}' is repeated by a `Repeat`, whose blocks run as one. To "
                    "choose numbers by looking at what each block is given, quantize a model that "
                    "holds its blocks in a list. 'int8', 'int4', 'float8' and 'ternary' need no "
                    "data."
                )
            encode = functools.partial(self._encode, scheme)
            encoded.update(stacking.one_by_one(encode, len(blocks))(variable.value))
        return encoded

    def _encode(self, scheme: Scheme, weight: jax.Array) -> dict[str, jax.Array]:
        return scheme.encode(weight)

    def _large_weight(self) -> Variable:
        """The first large weight, while it is one of floats."""
        name = self._large_weights[0]
        return vars(self).get(f"_{name}", vars(self).get(name))

    def _of_each_block(self, scheme: Scheme, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of what is kept of one block's weight, for all blocks that share a stack."""
        kept = getattr(self, next(iter(scheme.attributes().values())))
        return stacking.one_by_one(function, stacking.count_block_axes(kept))

    def _refuse_adapters(self, mode: str) -> None:
        """Raises where the layer has low-rank adapters and the mode cannot go beside them."""
        has_adapters = getattr(self, "lora_rank", None) is not None  # or will, when it is built
        if has_adapters and not self._schemes[mode].takes_lora:
            raise UserInputError(
                f"Layer '{self.name}': mode '{mode}' does not go with low-rank adapters. Call "
                "`merge_lora()` before, or use 'int8' or 'int4'."
            )

    def _take_calibrated(self, values: Mapping[str, ArrayLike]) -> None:
        """Sets the numbers that calibration chose, and lets the weight of floats go.

        Args:
            values: by attribute: `quantized_kernel`, `kernel_scale`, ...
        """
        for attribute, value in values.items():
            getattr(self, attribute).assign(value)
        for scheme in self._info.schemes.values():
            if scheme.layout.attribute in vars(self):
                delattr(self, scheme.layout.attribute)

    # -- reading -----------------------------------------------------------------

    def _scheme(self, name: str | None = None) -> Scheme | None:
        """The scheme of a weight, or None where it is used as floats."""
        scheme = self._info.schemes.get(name or self._large_weights[0])
        return None if scheme is None or self._waits_for_data(scheme) else scheme

    def _waits_for_data(self, scheme: Scheme) -> bool:
        return isinstance(scheme, Calibrated) and scheme.layout.attribute in vars(self)

    @property
    def _calibrated_scheme(self) -> Calibrated:
        """The scheme of a layer whose numbers are chosen by looking at data."""
        return self._info.schemes[self._large_weights[0]]

    @property
    def _waits_for_calibration(self) -> bool:
        """Whether data are still to be looked at."""
        return any(map(self._waits_for_data, self._info.schemes.values()))

    def _kept_values(self, scheme: Scheme) -> dict[str, jax.Array]:
        """The values of what is kept, as they are now."""
        return {name: getattr(self, name).value for name in scheme.attributes().values()}

    def _multiply_quantized(
        self, product: MatrixProduct, inputs: Tensor, training: bool | None
    ) -> jax.Array:
        """The inputs multiplied by the first large weight, without adapters."""
        if hasattr(inputs, "todense"):
            inputs = inputs.todense()
        scheme = self._scheme()
        if scheme is None:  # there are no numbers yet
            if observing.is_observed():
                observing.tell(self, product.rows(inputs))
            return product(inputs, self._adapted_variable.value)
        values = self._kept_values(scheme)
        return scheme.multiply(product, inputs, values, self.compute_dtype, training)

    def _bias_value(self) -> jax.Array:
        """The bias as it is added: in float8 rounded to bfloat16, so that XLA takes the sum
        together with the product.
        """
        bias = self.bias.value
        if self.quantization_mode == "float8" and self.compute_dtype == "float32":
            return bias.astype("bfloat16").astype(bias.dtype)
        return bias

    @property
    def inputs_quantizer(self) -> Any:
        """The quantizer of the inputs, or None."""
        schemes = self._info.schemes.values()
        found = (s.inputs_quantizer for s in schemes if isinstance(s, WholeNumbers))
        return next(found, None)

    @property
    def is_gptq_calibrated(self) -> bool:
        """Whether the layer uses numbers that GPTQ chose."""
        return self.quantization_mode == "gptq" and self._scheme() is not None

    @is_gptq_calibrated.setter
    def is_gptq_calibrated(self, value: bool) -> None:
        self._say_calibrated("gptq", value)

    @property
    def is_awq_calibrated(self) -> bool:
        """Whether the layer uses numbers that AWQ chose."""
        return self.quantization_mode == "awq" and self._scheme() is not None

    @is_awq_calibrated.setter
    def is_awq_calibrated(self, value: bool) -> None:
        self._say_calibrated("awq", value)

    def _say_calibrated(self, mode: str, value: bool) -> None:
        if value and self.quantization_mode == mode:
            self._take_calibrated({})
        elif value or (self.quantization_mode == mode and self._scheme() is not None):
            raise UserInputError(
                f"Layer '{self.name}' cannot be said to be{'' if value else ' not'} calibrated by "
                f"{mode.upper()}: its mode is '{self.quantization_mode}', and numbers do not "
                "become floats again."
            )

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        if not self._info.schemes:
            raise unknown_mode(self, tuple(self._schemes), self.quantization_mode)
        return self.call(*args, **kwargs)

    # -- with low-rank adapters ----------------------------------------------------

    def _why_not_adapted(self) -> str | None:
        if all(scheme.takes_lora for scheme in self._info.schemes.values()):
            return super()._why_not_adapted()
        return (
            f"lora is not supported with quantization mode '{self.quantization_mode}' of layer "
            f"'{self.name}'. 'int8' and 'int4' go with it."
        )

    def _unadapted(self) -> Variable | jax.Array:
        scheme = self._scheme()
        if scheme is None or scheme.is_plain:
            return super()._unadapted()
        return self._of_each_block(scheme, scheme.numbers)(self._kept_values(scheme))

    def _unadapted_value(self) -> jax.Array:
        scheme = self._scheme()
        if scheme is None:
            return super()._unadapted_value()
        decode = functools.partial(scheme.decode, dtype=self.variable_dtype)
        return self._of_each_block(scheme, decode)(self._kept_values(scheme))

    def _set_unadapted(self, value: jax.Array) -> None:
        scheme = self._scheme()
        if scheme is None:
            super()._set_unadapted(value)
            return
        for attribute, kept in self._of_each_block(scheme, scheme.encode)(value).items():
            getattr(self, attribute).assign(kept)

    def _adapted_shape(self) -> tuple[int, ...]:
        scheme = self._info.schemes.get(self._large_weights[0])
        return super()._adapted_shape() if scheme is None else scheme.layout.shape

    # -- configs and files ---------------------------------------------------------

    def get_config(self) -> Config:
        config = super().get_config()
        config["quantization_config"] = for_files(config.get("quantization_config"))
        return config

    @property
    def variable_serialization_spec(self) -> dict[str | None, list[str]]:
        """Names of what files hold for the layer, in their order, by mode; None for no mode."""
        kinds = {None: None, **self._schemes}
        return {mode: self._names_in_files(kind) for mode, kind in kinds.items()}

    def _names_in_files(self, kind: type[Scheme] | None) -> list[str]:
        kept = [
            name
            for weight in self._large_weights
            for name in ((weight,) if kind is None else kind.names(weight))
        ]
        behind = 0 if kind is not None and kind.other_weights_first else 1
        return list(dict.fromkeys([*kept[:behind], *self._other_weights, *kept[behind:]]))

    def _own_variables(self) -> list[Variable]:
        schemes = self._info.schemes
        if not schemes:
            return super()._own_variables()
        if any(map(self._waits_for_data, schemes.values())):
            raise UserInputError(
                f"Layer '{self.name}' is quantized with mode '{self.quantization_mode}' but has "
                "never been calibrated, so that files would hold numbers that mean nothing. "
                "Calibrate it with `model.quantize(...)`, or leave it out with `filters`."
            )
        attributes = {name: name for name in self._other_weights}
        for scheme in schemes.values():
            attributes.update(scheme.attributes())
        kind = type(next(iter(schemes.values())))
        names = [name for name in self._names_in_files(kind) if name in attributes]
        found = (getattr(self, attributes[name]) for name in names)
        return [variable for variable in found if variable is not None]

    def _values_for_files(self) -> list[Variable | jax.Array]:
        scheme = self._info.schemes.get(self._large_weights[0])
        if scheme is None or not getattr(self, "lora_enabled", False):
            return super()._values_for_files()
        with lending.autocast(None):
            value = self._adapted_value().astype(self.variable_dtype)
            merged = self._of_each_block(scheme, scheme.encode)(value)
        by_variable = {id(getattr(self, name)): value for name, value in merged.items()}
        return [by_variable.get(id(variable), variable) for variable in self._own_variables()]

    def _as_kept(self, variable: Variable, value: ArrayLike) -> ArrayLike:
        """Keras 3.15 writes GPTQ's numbers of 2 bits one by one, 3.16 four in a byte."""
        scheme = self._info.schemes.get(self._large_weights[0])
        is_other_form = tuple(value.shape) != tuple(variable.shape)
        if isinstance(scheme, Calibrated) and variable.dtype == "uint8" and is_other_form:
            layout = scheme.layout
            if tuple(value.shape) == (layout.columns, layout.rows):
                return np.asarray(scheme.packed(value))
        return value
