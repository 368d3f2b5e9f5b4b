"""`FeatureSpace`: the columns of a table as numbers for a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import jax.numpy as jnp
import numpy as np

from fkeras import data as data_module
from fkeras import layers
from fkeras.callbacks import Progbar
from fkeras.core import dtypes, tracebacks
from fkeras.core.config import registry
from fkeras.core.symbolic.argument_kinds import any_symbolic
from fkeras.data import frames, streams
from fkeras.data.adapting import in_batches, is_endless
from fkeras.errors import NotBuiltError, UserInputError, UserTypeError
from fkeras.layers import Layer
from fkeras.models import features as features_module
from fkeras.models.feature_kinds import KINDS, FeatureKinds
from fkeras.models.features import Cross, Feature
from fkeras.models.model import Model

if TYPE_CHECKING:
    from fkeras.core.symbolic.keras_tensor import KerasTensor
    from fkeras.data.source import InMemory, Stream
    from fkeras.types import Config


class FeatureSpace(FeatureKinds, Model):
    """Encodes the columns of a table: strings, integers and floats, each in its way, and their
    combinations.

    `adapt` learns means, bins and vocabularies from the training rows. Then the space is called on
    dicts of columns, or on single rows; `Dataset.map` takes it as a function. A model that is to
    take raw rows begins with it: `inputs = space.get_inputs()` and
    `encoded = space.get_encoded_features()` are both ends of the graph.

    Args:
        features: dict from the names of columns to the name of a kind ('float', 'float_rescaled',
            'float_normalized', 'float_discretized', 'integer_categorical', 'string_categorical',
            'integer_hashed', 'string_hashed'), or to what the class methods of these names return.
        output_mode: 'concat': one vector (rows, n) of all columns, in the order of their names,
            crosses last; 'dict': what each column became, by name.
        crosses: tuples of names of columns to be hashed together, or what `FeatureSpace.cross`
            returns. What is crossed must be ids: not floats.
        crossing_dim, hashing_dim: bins of crosses and of hashed columns that do not say it.
        num_discretization_bins: bins of 'float_discretized' where it is given by name.
        name: None for an automatic one.

    Attributes:
        preprocessors: dict from names of columns to their layers.
        crossers: dict from names of crosses (`a_X_b`) to their `HashedCrossing`.

    Raises:
        UserInputError: no features, unknown kinds, crosses of columns that are not there; a use
            before `adapt`; columns that are missing.

    Examples:
        >>> import fkeras
        >>> table = {"age": [20.0, 40.0, 60.0], "town": ["Bern", "Lyon", "Bern"]}
        >>> space = fkeras.utils.FeatureSpace(
        ...     {"age": "float_normalized", "town": "string_categorical"}
        ... )
        >>> space.adapt(table)
        >>> space(table).shape
        (3, 4)
        >>> space({"age": 40.0, "town": "Rome"}).tolist()
        [0.0, 1.0, 0.0, 0.0]
    """

    def __init__(
        self,
        features: Mapping[str, str | Feature],
        output_mode: str = "concat",
        crosses: Sequence[Any] | None = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ):
        super().__init__(name=name)
        if not features:
            raise UserInputError(
                "FeatureSpace: the `features` argument cannot be None or empty. Pass a dict from "
                "names of columns to kinds: {'age': 'float_normalized'}."
            )
        if output_mode not in ("concat", "dict"):
            raise UserInputError(
                "FeatureSpace: `output_mode` must be 'concat' or 'dict'. Received: "
                f"output_mode={output_mode!r}"
            )
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.output_mode = output_mode
        self.features = {name: self._as_feature(name, value) for name, value in features.items()}
        self.crosses = [self._as_cross(cross) for cross in crosses or ()]
        self.preprocessors = {name: feature.preprocessor for name, feature in self.features.items()}
        self.crossers = {
            cross.name: layers.HashedCrossing(cross.crossing_dim, name=cross.name)
            for cross in self.crosses
        }
        self.one_hot_encoders: dict[str, layers.CategoryEncoding] = {}
        self.inputs = {
            name: layers.Input((1,), dtype=feature.dtype, name=name)
            for name, feature in self.features.items()
        }
        self.encoded_features: Any = None
        self._was_adapted = False

    # -- arguments ----------------------------------------------------------------

    def _as_feature(self, name: str, value: Any) -> Feature:
        if isinstance(value, Feature):
            return value
        if isinstance(value, Mapping):
            return features_module.from_record(value)
        if value not in KINDS:
            raise UserInputError(
                f"FeatureSpace: invalid feature type of {name!r}: {value!r}. Expected one of "
                f"{', '.join(KINDS)}, or what `FeatureSpace.feature(...)` returns."
            )
        options: dict[str, int] = {}
        if value == "float_discretized":
            options["num_bins"] = self.num_discretization_bins
        elif value in ("integer_hashed", "string_hashed"):
            options["num_bins"] = self.hashing_dim
        return getattr(self, value)(name=name, **options)

    def _as_cross(self, value: Any) -> Cross:
        if isinstance(value, Mapping):
            value = features_module.from_record(value)
        if not isinstance(value, Cross):
            value = Cross(value, crossing_dim=self.crossing_dim)
        unknown = [name for name in value.feature_names if name not in self.features]
        if unknown:
            raise UserInputError(
                "FeatureSpace: all features referenced in `crosses` must be present in `features`. "
                f"Unknown: {unknown}; there are {list(self.features)}."
            )
        if not value.crossing_dim:
            raise UserInputError("FeatureSpace: `crosses` need a `crossing_dim`.")
        return value

    @property
    def layers(self) -> list[Any]:
        """None: the layers go by the columns' names, in `preprocessors` and `crossers`."""
        return []

    # -- learning from data ------------------------------------------------------

    def _adaptable(self) -> list[str]:
        """Names of the columns whose layers learn from data."""
        return [name for name, layer in self.preprocessors.items() if _learns(layer)]

    @tracebacks.filtered
    def adapt(self, dataset: InMemory | Stream, verbose: int = 0) -> None:
        """Learns what the layers of the columns need, in one pass over the data.

        Args:
            dataset: dict of columns, frame, or batches of dicts: a `fkeras.data.Dataset` (of rows
                or batches), a generator, a `PyDataset`. Of pairs (x, y) the first counts; columns
                that are no features are left alone.
            verbose: 1 shows a progress bar that counts batches; 0 shows nothing.

        Raises:
            UserInputError: a column is missing or cannot be learnt from; no rows, or no end.
        """
        learning = self._adaptable()
        for name in learning:
            layer = self.preprocessors[name]
            if hasattr(layer, "reset_state"):
                layer.reset_state()
        kept: dict[str, list[np.ndarray]] = {}  # for layers that take all at once
        count = 0
        bar = Progbar(None, unit_name="batch") if verbose else None
        for batch in _batches(dataset):
            count += 1
            for name in learning:
                layer, column = self.preprocessors[name], self._column(batch, name)
                if hasattr(layer, "update_state"):
                    layer.update_state(column)
                else:
                    kept.setdefault(name, []).append(column)
            if bar is not None:
                bar.update(count)
        if bar is not None:
            bar.update(count, finalize=True)
        if learning and not count:
            raise UserInputError("FeatureSpace: `adapt` received no rows.")
        for name in learning:
            layer = self.preprocessors[name]
            if name in kept:
                layer.adapt(np.concatenate(kept[name]))
            elif hasattr(layer, "finalize_state"):
                layer.finalize_state()
        self._was_adapted = True
        self.one_hot_encoders.clear()
        self.encoded_features = None
        self.get_encoded_features()

    # -- encoding ----------------------------------------------------------------

    def get_inputs(self) -> dict[str, KerasTensor]:
        """The symbolic inputs by name: where a model of raw columns begins."""
        self._require_adapted()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """What the columns become, as symbolic tensors that hang on `get_inputs()`.

        Raises:
            NotBuiltError: `adapt` was not called.
        """
        self._require_adapted()
        if self.encoded_features is None:
            self.encoded_features = self._encode(self.inputs)
            self.built = True
        return self.encoded_features

    def _require_adapted(self) -> None:
        if not self._was_adapted and self._adaptable():
            raise NotBuiltError(
                "You need to call `.adapt(dataset)` on the FeatureSpace before you can start using "
                f"it: {', '.join(self._adaptable())} learn from data."
            )

    @tracebacks.filtered
    def __call__(self, data: Mapping[str, Any], **kwargs: Any) -> Any:
        """Encodes columns or a single row.

        Args:
            data: dict (or frame) from the features' names to columns (rows,) or (rows, 1); or to
                single values, of which a single vector is made.

        Raises:
            NotBuiltError: `adapt` was not called.
            UserInputError: a column is missing, or no dict.
        """
        if frames.is_frame(data):
            data = dict(data.items())
        if not isinstance(data, Mapping):
            raise UserTypeError(
                "A FeatureSpace can only be called with a dict of columns. Received: "
                f"{type(data).__name__}"
            )
        self.get_encoded_features()
        if any_symbolic(*data.values()):
            return self._encode({name: self._symbol(data, name) for name in self.features})
        is_row = any(np.ndim(data[name]) == 0 for name in self.features if name in data)
        encoded = self._encode({name: self._column(data, name) for name in self.features})
        if self.output_mode == "concat":
            return _without_rows(encoded) if is_row else jnp.asarray(encoded)
        finish = _without_rows if is_row else _as_result
        return {name: finish(value) for name, value in encoded.items()}

    def _symbol(self, data: Mapping[str, Any], name: str) -> Any:
        """A symbolic column, checked."""
        if name not in data:
            raise self._missing(data, name)
        if len(data[name].shape) < 2:
            raise UserInputError(
                f"FeatureSpace: symbolic columns have the shape (rows, 1). Received: {name!r} of "
                f"shape {data[name].shape}. Make it by `Input((1,), ...)`, or use `get_inputs()`."
            )
        return data[name]

    def _missing(self, data: Mapping[str, Any], name: str) -> UserInputError:
        return UserInputError(
            f"FeatureSpace: the column {name!r} is missing. Received: {list(data)}; expected "
            f"{list(self.features)}."
        )

    def _column(self, data: Mapping[str, Any], name: str) -> np.ndarray:
        """A column as an array (rows, 1) of the feature's dtype, strings as they are."""
        if name not in data:
            raise self._missing(data, name)
        value = data[name]
        dtype = self.features[name].dtype
        column = np.asarray(value.to_numpy() if hasattr(value, "to_numpy") else value)
        if dtype == "string":
            column = column.astype(object) if column.dtype.kind == "U" else column
        elif dtypes.standardize_dtype(dtype).startswith("float"):
            try:
                column = column.astype(dtype)
            except (TypeError, ValueError):
                raise UserInputError(
                    f"FeatureSpace: the column {name!r} should hold numbers ({dtype}). Received: "
                    f"{column.dtype} such as {column.flat[0]!r}."
                ) from None
        if column.ndim > 1:
            return column
        return column.reshape(-1, 1)

    def _encode(self, columns: Mapping[str, Any]) -> Any:
        """Columns, arrays or symbolic ones, as the numbers that they become."""
        encoded = {name: self.preprocessors[name](columns[name]) for name in self.features}
        crossed = {}
        for cross in self.crosses:
            parts = [self._to_cross(name, encoded) for name in cross.feature_names]
            crossed[cross.name] = self.crossers[cross.name](parts)
        modes = {name: feature.output_mode for name, feature in self.features.items()}
        modes |= {cross.name: cross.output_mode for cross in self.crosses}
        found = {}
        for name in (*sorted(encoded), *sorted(crossed)):
            value = encoded[name] if name in encoded else crossed[name]
            found[name] = self._as_vector(name, value) if modes[name] == "one_hot" else value
        if self.output_mode == "dict":
            return found
        for name, value in found.items():
            if not dtypes.standardize_dtype(value.dtype).startswith(("float", "bfloat")):
                raise UserInputError(
                    f"FeatureSpace: cannot concatenate features because {name!r} has not been "
                    f"encoded (it has dtype {value.dtype}). Use `output_mode='dict'`, or 'one_hot' "
                    "for that feature."
                )
        values = list(found.values())
        return values[0] if len(values) == 1 else layers.Concatenate(axis=-1)(values)

    def _to_cross(self, name: str, encoded: Mapping[str, Any]) -> Any:
        """What a column became, which crosses can have on the host."""
        layer = self.preprocessors[name]
        value = encoded[name]
        if not layer.runs_on_host and layer.weights:
            raise UserInputError(
                f"FeatureSpace: feature {name!r} cannot be crossed: its {type(layer).__name__} has "
                "weights and runs on the device, and crosses are made on the host."
            )
        return value

    def _as_vector(self, name: str, ids: Any) -> Any:
        if name not in self.one_hot_encoders:
            if not dtypes.standardize_dtype(ids.dtype).startswith(("int", "uint")):
                raise UserInputError(
                    f"FeatureSpace: feature {name!r} has `output_mode='one_hot'`, so that its "
                    f"layer should return integers. It returns {ids.dtype}."
                )
            layer = self.preprocessors.get(name) or self.crossers[name]
            self.one_hot_encoders[name] = layers.CategoryEncoding(
                _number_of_ids(name, layer), output_mode="multi_hot"
            )
        return self.one_hot_encoders[name](ids)

    def call(self, data: Mapping[str, Any]) -> Any:
        """The encoded columns: see `__call__`."""
        return self._encode(data)

    # -- configs and files -------------------------------------------------------

    def get_config(self) -> Config:
        """The constructor's arguments as plain values."""
        return {
            "features": {
                name: features_module.as_record(value) for name, value in self.features.items()
            },
            "output_mode": self.output_mode,
            "crosses": [features_module.as_record(cross) for cross in self.crosses],
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config: Config, custom_objects: Any = None) -> Self:
        """The space that `get_config` described, not adapted."""
        return cls(**config)

    def get_build_config(self) -> Config:
        """The shapes that the layers of the columns were built with, by name."""
        return {name: layer.get_build_config() or {} for name, layer in self.preprocessors.items()}

    def build_from_config(self, config: Config) -> None:
        """Builds the layers of the columns; what they learnt comes from the file."""
        for name, shapes in config.items():
            layer = self.preprocessors[name]
            if not layer.built and shapes:
                layer.build_from_config(shapes)
        self._was_adapted = True
        self.built = True


registry.add_builtins("keras.utils", {"FeatureSpace": FeatureSpace})


def _learns(layer: Layer) -> bool:
    """Whether a layer learns from data and was not given what it would learn."""
    if not hasattr(layer, "adapt"):
        return False
    config = layer.get_config()
    if isinstance(layer, layers.Discretization):
        return config["num_bins"] is not None
    given = ("mean", "vocabulary")
    return all(config.get(name) is None for name in given)


def _number_of_ids(name: str, layer: Layer) -> int:
    """How many ids a layer may return."""
    if hasattr(layer, "vocabulary_size"):
        return layer.vocabulary_size()
    if isinstance(layer, layers.CategoryEncoding):
        return layer.num_tokens
    if isinstance(layer, layers.Discretization):
        return layer.num_bins or len(layer.bin_boundaries) + 1
    if isinstance(layer, (layers.Hashing, layers.HashedCrossing)):
        return layer.num_bins
    raise UserInputError(
        f"FeatureSpace: feature {name!r} has `output_mode='one_hot'`, and {type(layer).__name__} "
        "does not tell how many ids there are. Use `output_mode='int'`, or let the layer return "
        "vectors."
    )


def _batches(dataset: Any) -> Iterator[Mapping[str, Any]]:
    """The columns of each batch."""
    if frames.is_frame(dataset):
        dataset = dict(dataset.items())
    if isinstance(dataset, Mapping):
        if any(len(column) for column in dataset.values()):
            yield dataset
        return
    kind = streams.kind_of(dataset)
    if kind is None and not isinstance(dataset, (list, tuple)):
        raise UserTypeError(
            "FeatureSpace: `adapt()` takes a dict of columns, a frame, or batches of dicts. "
            f"Received: {type(dataset).__name__}"
        )
    if is_endless(dataset):
        raise UserInputError(
            f"FeatureSpace: `adapt` received a {kind} without end. Take a part: `dataset.take(n)`."
        )
    if isinstance(dataset, data_module.Dataset):
        dataset = in_batches(dataset).as_numpy_iterator()
    for batch in _items(dataset):
        columns = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
        if not isinstance(columns, Mapping):
            raise UserTypeError(
                "FeatureSpace: `adapt` expected batches of dicts from names to columns. Received: "
                f"{type(columns).__name__}"
            )
        yield columns


def _items(dataset: Iterable[Any]) -> Iterator[Any]:
    if streams.kind_of(dataset) == "PyDataset":
        return map(dataset.__getitem__, range(len(dataset)))
    return iter(dataset)


def _as_result(value: Any) -> Any:
    is_text = isinstance(value, np.ndarray) and value.dtype.kind in "OUS"
    return value if is_text else jnp.asarray(value)


def _without_rows(value: Any) -> Any:
    """A single row's values, without the axis of rows."""
    value = _as_result(value)
    return value[0] if value.ndim > 1 else value
