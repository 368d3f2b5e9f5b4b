"""`Pipeline`: layers one after the other, as one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from fkeras.core.config import serialization
from fkeras.errors import UserInputError, UserTypeError
from fkeras.layers.base import signature
from fkeras.layers.base.layer import Layer

if TYPE_CHECKING:
    from fkeras.types import Config, TensorLike


class Pipeline(Layer):
    """Applies layers one after the other.

    It is for preprocessing, in a model or in a dataset's `map`. Unlike a `Sequential` model it
    takes whatever its layers take: dicts of images and boxes, strings.

    Args:
        layers: the layers, in their order.
        name: None for an automatic name.

    Raises:
        UserTypeError: something that is no layer.

    Examples:
        >>> import fkeras, jax.numpy as jnp
        >>> pipeline = fkeras.layers.Pipeline(
        ...     [fkeras.layers.Resizing(8, 8), fkeras.layers.RandomFlip()]
        ... )
        >>> pipeline(jnp.ones((2, 6, 6, 3))).shape
        (2, 8, 8, 3)
    """

    _manages_masks = True  # those of the last layer

    def __init__(self, layers: Sequence[Layer], name: str | None = None):
        super().__init__(name=name)
        for layer in layers:
            if not isinstance(layer, Layer):
                raise UserTypeError(
                    f"Pipeline: `layers` must be a list of layers. Received: {layer!r} (of type "
                    f"{type(layer).__name__})"
                )
        self._pipeline_layers = list(layers)
        self.supports_masking = True
        self._convert_input_args = False  # the first layer converts what it takes
        self._allow_non_tensor_positional_args = True

    @property
    def layers(self) -> list[Layer]:
        """The layers, in their order."""
        return self._pipeline_layers

    def call(self, inputs: Any, training: bool = True, mask: TensorLike | None = None) -> Any:
        for layer in self._pipeline_layers:
            takes = signature.of(layer).takes
            options = {"training": training} if takes("training") and training is not None else {}
            if mask is not None and takes("mask"):
                options["mask"] = mask
            inputs = layer(inputs, **options)
            mask = None  # from here on masks travel with the values
        return inputs

    def get_config(self) -> Config:
        return {
            "layers": serialization.serialize_keras_object(self._pipeline_layers),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A pipeline from what `get_config` returned.

        Raises:
            UserInputError: no list of layers.
        """
        layers = config.get("layers")
        if not isinstance(layers, (list, tuple)):
            raise UserInputError(
                "Pipeline.from_config: the config must have a list of the layers' configs under "
                f"'layers'. Received: layers={layers!r}"
            )
        made = [serialization.deserialize_keras_object(layer) for layer in layers]
        return cls(**{**config, "layers": made})
