"""`Quantizing`: all layers of a model at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from fkeras.core import messages, tracebacks
from fkeras.core.warn_once import warn_user
from fkeras.errors import TransformationMissingError, UserInputError
from fkeras.layers import InputLayer, Layer, Repeat
from fkeras.layers.base.quantizing import check_quantizable
from fkeras.layers.quantized import calibrating
from fkeras.layers.quantized.quantizable import Quantizable
from fkeras.models import quantization_summary
from fkeras.models.trainer import Trainer
from fkeras.quantizers import QuantizationReport, resolving
from fkeras.quantizers.samples import samples_of

if TYPE_CHECKING:
    from fkeras.quantizers import QuantizationConfig

    Filters = str | Iterable[str] | Callable[[Layer], bool]
    Structure = dict[str, list[Layer]]


class Quantizing:
    """`quantize` of a model, and what it became of."""

    @tracebacks.filtered
    def quantize(
        self,
        mode: str | None = None,
        config: QuantizationConfig | None = None,
        filters: Filters | None = None,
        verbose: bool = True,
        **kwargs: Any,
    ) -> QuantizationReport:
        """Keeps the large weights of the model's layers in few bits from now on.

        A compiled model goes on with a new optimizer, since the weights it was made for are gone.

        Args:
            mode: `'int8'`: kernels and inputs of 8 bits, multiplied as whole numbers. `'int4'`:
                kernels of 4 bits in blocks of 128, multiplied as floats. `'float8'`: for training,
                everything rounded to 8-bit floats. `'ternary'`: kernels of -1, 0 and 1. `'gptq'`,
                `'awq'`: kernels of 4 bits (and others) chosen by looking at data; they need a
                config. None for that of the config.
            config: what to do in detail; None for the mode's default.
            filters: which layers: a regular expression that is looked for in their names, several
                of them, or a function of the layer; None for all.
            verbose: whether a report is printed.
            **kwargs: `type_check=False` quantizes layers of classes of your own that derive from
                `Dense` and the like.

        Returns:
            What was done to which layer. One warning names the layers that cannot be quantized.

        Raises:
            UserInputError: the model is not built, or arguments contradict each other. Nothing is
                changed then.

        Examples:
            >>> import fkeras
            >>> model = fkeras.Sequential([fkeras.Input((64,)), fkeras.layers.Dense(32)])
            >>> report = model.quantize("int8", verbose=False)
            >>> report.num_quantized, model.layers[0].kernel.dtype
            (1, 'int8')
        """
        type_check = kwargs.pop("type_check", True)
        if kwargs:
            raise UserInputError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )
        config = resolving.resolve(mode, config)
        mode = config.mode
        chosen = _as_choice(filters)
        check_quantizable(self, mode)
        structure = self._structure_of_blocks(config)
        covered = None if structure is None else _layers_of_blocks(structure)
        samples = None if structure is None else samples_of(config)
        report = QuantizationReport(mode)
        for layer in self._flatten_layers(include_self=False):
            if isinstance(layer, (Trainer, Repeat, InputLayer)):
                continue  # the layers of a model inside are among those of this one
            reason = _reason_to_skip(layer, chosen, covered)
            if reason is None:
                try:
                    layer.quantize(mode, type_check=type_check, config=config)
                except NotImplementedError:
                    reason = report.SKIP_NO_SUPPORT
            if reason is None:
                scheme = layer.dtype_policy.name
                report.add_quantized(layer.path, layer.quantization_mode, scheme)
            else:
                report.add_skipped(layer.path, reason)
        if structure is not None:
            calibrating.calibrate(samples, structure, config)
        warning = report.summary_warning()
        if warning is not None:
            warn_user(warning)
        if verbose:
            messages.write(report.render())
        self._quantization_report = report
        if report.num_quantized:
            self._renew_optimizer()
        return report

    def get_quantization_layer_structure(self, mode: str | None = None) -> Structure | None:
        """The blocks that GPTQ and AWQ go through one after the other. Override it.

        Args:
            mode: the mode of quantization.

        Returns:
            A dict with `'pre_block_layers'`, the layers that inputs go through first, such as an
            embedding, and `'sequential_blocks'`; None where there is no such structure.
        """
        return None

    def quantization_summary(self, verbose: bool = True) -> str:
        """Tells how each quantized layer keeps its weight, and what that saves.

        Args:
            verbose: whether it is printed.

        Returns:
            The text.
        """
        text = quantization_summary.render(self)
        if verbose:
            messages.write(text)
        return text

    def _structure_of_blocks(self, config: QuantizationConfig) -> Structure | None:
        """The blocks to calibrate; None for a mode that looks at no data."""
        mode = config.mode
        if mode not in ("gptq", "awq"):
            return None
        structure = config.quantization_layer_structure
        if structure is None:
            structure = self.get_quantization_layer_structure(mode)
        if structure is None:
            raise UserInputError(
                f"For mode={mode!r}, a valid quantization structure must be provided either via "
                "`config.quantization_layer_structure` or by overriding "
                "`model.get_quantization_layer_structure(mode)`. The structure should be a "
                "dictionary with keys 'pre_block_layers' and 'sequential_blocks'."
            )
        calibrating.check_structure(structure, mode)
        return structure

    def _renew_optimizer(self) -> None:
        """An optimizer keeps moments of weights that are gone now: a new one of the same kind."""
        optimizer = self.optimizer
        if optimizer is None or not getattr(optimizer, "built", False):
            return
        try:
            renewed = type(optimizer).from_config(optimizer.get_config())
        except TransformationMissingError:  # Optax's: `fit` says that it does not fit
            return
        self._compiled.replace_optimizer(renewed)


def _as_choice(filters: Filters | None) -> Callable[[Layer], bool]:
    """Whether a layer is to be quantized."""
    if filters is None:
        return lambda layer: True
    if callable(filters):
        return filters
    patterns = [filters] if isinstance(filters, str) else filters
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(p, str) for p in patterns):
        raise UserInputError(
            "The `filters` argument must be a regex string, a list of regex strings, or a "
            f"callable. Received: {filters!r} (of type {type(filters)})"
        )
    return lambda layer: any(re.search(pattern, layer.name) for pattern in patterns)


def _layers_of_blocks(structure: Structure) -> set[int]:
    """The ids of the layers that calibration reaches."""
    blocks = structure.get("sequential_blocks", [])
    layers = (layer for block in blocks for layer in block._flatten_layers())
    return {id(layer) for layer in layers if isinstance(layer, Quantizable)}


def _reason_to_skip(
    layer: Layer, chosen: Callable[[Layer], bool], covered: set[int] | None
) -> str | None:
    if covered is not None and id(layer) not in covered:
        return QuantizationReport.SKIP_OUTSIDE_STRUCTURE
    if not chosen(layer):
        return QuantizationReport.SKIP_FILTERED
    if layer._info.schemes:
        return QuantizationReport.SKIP_ALREADY_QUANTIZED
    return None
