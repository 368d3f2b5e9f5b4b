"""`QuantizationReport`: what `model.quantize` did."""

from __future__ import annotations

from collections.abc import Sequence


class QuantizationReport:
    """Which layers were quantized, which were not, and why.

    Args:
        mode: the mode of the call, such as `'int8'`.

    Attributes:
        mode: the mode.
        quantized: list of (path of the layer, mode, name of its dtype policy).
        skipped: list of (path, reason), where a reason is one of the class's `SKIP_...`.
        errors: list of (path, message).

    Examples:
        >>> import fkeras
        >>> report = fkeras.quantizers.QuantizationReport("int8")
        >>> report.add_quantized("dense", "int8", "int8_from_float32")
        >>> report.add_skipped("relu", report.SKIP_NO_SUPPORT)
        >>> report
        QuantizationReport(mode='int8', quantized=1, skipped=1, errors=0)
    """

    SKIP_NO_SUPPORT = "no quantize support"
    SKIP_FILTERED = "filtered out"
    SKIP_ALREADY_QUANTIZED = "already quantized"
    SKIP_OUTSIDE_STRUCTURE = "outside quantization structure"

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode
        self.quantized: list[tuple[str, str, str]] = []
        self.skipped: list[tuple[str, str]] = []
        self.errors: list[tuple[str, str]] = []

    def add_quantized(self, path: str, mode: str, scheme: str) -> None:
        """Notes a layer that was quantized.

        Args:
            path: the layer's.
            mode: its mode.
            scheme: a few words on how, such as the name of its dtype policy.
        """
        self.quantized.append((path, mode, scheme))

    def add_skipped(self, path: str, reason: str) -> None:
        """Notes a layer that was left as it is."""
        self.skipped.append((path, reason))

    def add_error(self, path: str, error: object) -> None:
        """Notes an error that did not end the call."""
        self.errors.append((path, str(error)))

    @property
    def num_quantized(self) -> int:
        """Number of layers that were quantized."""
        return len(self.quantized)

    @property
    def num_skipped(self) -> int:
        """Number of layers that were left as they are."""
        return len(self.skipped)

    @property
    def num_errors(self) -> int:
        """Number of errors that did not end the call."""
        return len(self.errors)

    def skipped_by_reason(self, reason: str) -> list[str]:
        """Paths of the layers that were left as they are for one reason."""
        return [path for path, r in self.skipped if r == reason]

    def summary_warning(self, max_examples: int = 5) -> str | None:
        """What to warn of: layers that cannot be quantized, and errors. None where there are none.

        Args:
            max_examples: layers that are named.
        """
        unsupported = self.skipped_by_reason(self.SKIP_NO_SUPPORT)
        failed = [path for path, _ in self.errors]
        parts = []
        if unsupported:
            parts.append(
                f"{len(unsupported)} layer(s) were skipped because they do not support "
                f"quantization (e.g. {_first(unsupported, max_examples)})."
            )
        if failed:
            parts.append(
                f"{len(failed)} layer(s) reported errors (e.g. {_first(failed, max_examples)})."
            )
        if not parts:
            return None
        return (
            f"`model.quantize()`: {' '.join(parts)} Quantized {self.num_quantized} layer(s) in "
            f"mode '{self.mode}'. Call `model.quantization_summary()` or look at the returned "
            "`QuantizationReport` for details."
        )

    def render(self) -> str:
        """The whole report as text."""
        quantized = [f"{path} ({mode}): {scheme}" for path, mode, scheme in self.quantized]
        skipped = [f"{path}: {reason}" for path, reason in self.skipped]
        lines = [
            f"Quantization report (mode='{self.mode}')",
            "=" * 65,
            f"Quantized {self.num_quantized} layer(s):",
            *_listed(quantized),
            f"Skipped {self.num_skipped} layer(s):",
            *_listed(skipped),
        ]
        if self.errors:
            lines += [
                f"Errors on {self.num_errors} layer(s):",
                *_listed([f"{path}: {message}" for path, message in self.errors]),
            ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (
            f"QuantizationReport(mode={self.mode!r}, quantized={self.num_quantized}, "
            f"skipped={self.num_skipped}, errors={self.num_errors})"
        )


def _first(paths: Sequence[str], count: int) -> str:
    """The first paths, with dots where there are more."""
    return ", ".join([*map(repr, paths[:count]), *["..."] * (len(paths) > count)])


def _listed(rows: Sequence[str]) -> list[str]:
    return [f"  - {row}" for row in rows] or ["  (none)"]
