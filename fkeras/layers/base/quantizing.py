"""`Quantizing`: what every layer answers when it is to keep its weights in few bits.

Most layers have no large weight to keep so, and say that. Those that have one are `Quantizable`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core.dtype_policy import QUANTIZATION_MODES, Int4DTypePolicy
from fkeras.errors import NotBuiltError, UserInputError
from fkeras.quantizers import resolving

if TYPE_CHECKING:
    from fkeras.core.dtype_policy import DTypePolicy
    from fkeras.layers.base.layer import Layer
    from fkeras.quantizers import QuantizationConfig
    from fkeras.types import Shape


class Quantizing:
    """Quantization of a layer that has none."""

    def quantize(
        self,
        mode: str | None = None,
        type_check: bool = True,
        config: QuantizationConfig | None = None,
    ) -> None:
        """Keeps the layer's large weight in few bits from now on.

        Args:
            mode: `'int8'`, `'int4'`, `'float8'`, `'ternary'`, `'gptq'` or `'awq'`; None for that of
                the config.
            type_check: whether layers of subclasses are refused, which may use the weight in
                another way.
            config: what to do in detail; None for the mode's default.

        Raises:
            NotImplementedError: the layer cannot be quantized, or not in this mode.
            UserInputError: it is not built, or quantized already; the arguments contradict each
                other.
        """
        check_quantizable(self, mode)
        raise not_implemented(self, "quantize")

    def _quantize_for(self, policy: DTypePolicy) -> None:
        """Quantizes the layer, whose dtype policy was set to a quantized one."""
        mode = policy.quantization_mode
        if mode in ("gptq", "awq"):
            raise UserInputError(
                f"Implicitly enabling {mode.upper()} quantization by setting `dtype_policy` to "
                f"'{policy.name}' is not supported: it looks at data to choose numbers. Call "
                f"`quantize({mode!r}, config=...)` on the layer or model instead."
            )
        is_plain_int4 = mode == "int4" and not isinstance(policy, Int4DTypePolicy)
        config = resolving.resolve(mode) if is_plain_int4 else resolving.for_build(mode, policy)
        self.quantize(mode, config=config)

    def quantized_build(self, input_shape: Shape, mode: str) -> None:
        """Makes the Variables of a quantized layer. `build` calls it where the dtype policy is
        quantized.

        Raises:
            NotImplementedError: the layer cannot be quantized.
        """
        raise not_implemented(self, "quantized_build")

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """What the quantized layer computes.

        Raises:
            NotImplementedError: the layer cannot be quantized.
        """
        raise not_implemented(self, "quantized_call")


def not_implemented(layer: Quantizing, method: str) -> NotImplementedError:
    """The error for a layer that cannot be quantized; the caller raises it. `model.quantize` takes
    it for a reason to leave the layer as it is.
    """
    return NotImplementedError(
        f"Layer {type(layer).__name__} does not have a `{method}` method implemented."
    )


def unknown_mode(layer: Quantizing, modes: tuple[str, ...], mode: str | None) -> Exception:
    """The error for a mode that a layer does not have; the caller raises it."""
    return NotImplementedError(
        f"Invalid quantization mode. Expected one of {modes} for layer {type(layer).__name__}. "
        f"Received: quantization_mode={mode}"
    )


def check_quantizable(layer: Layer, mode: str | None) -> None:
    """Raises where a layer is not in a state to be quantized."""
    if not layer.built:
        raise NotBuiltError(
            f"Cannot quantize a layer that isn't yet built. Layer '{layer.name}' (of type "
            f"'{type(layer).__name__}') is not built yet. Call it on data or `build` it first."
        )
    if layer._info.schemes:
        raise UserInputError(
            f"Layer '{layer.name}' is already quantized with "
            f"dtype_policy='{layer.dtype_policy.name}'. Received: mode={mode}"
        )
    if mode is not None and mode not in QUANTIZATION_MODES:
        raise UserInputError(
            f"Invalid quantization mode. Expected one of {QUANTIZATION_MODES}. Received: "
            f"mode={mode}"
        )
    if mode == "int8" and layer.compute_dtype == "float16":
        raise UserInputError(
            f"Quantization mode='{mode}' doesn't work well with compute_dtype='float16'. Give the "
            "layer a dtype policy such as 'mixed_bfloat16' before `quantize()`."
        )
