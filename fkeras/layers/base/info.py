"""`LayerInfo`: what a layer keeps beside its public attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fkeras.core import names
from fkeras.core.symbolic.node import Node
from fkeras.core.values import remat

if TYPE_CHECKING:
    import jax

    from fkeras.core.dtype_policy import DTypePolicy, DTypePolicyMap
    from fkeras.core.randomness.process_generator import RootKey
    from fkeras.core.values.remat import RematScope
    from fkeras.layers.base.host_part import Program
    from fkeras.layers.base.input_spec import InputSpec
    from fkeras.layers.base.running_blocks import RepeatedBlock
    from fkeras.layers.base.tracking import AttributeScan, Structure
    from fkeras.regularizers import Regularizer
    from fkeras.types import Nested, Shape


class LayerInfo:
    """What a layer keeps beside its public attributes. One object, so that NNX sees a single static
    attribute.

    Attributes:
        arguments: what the constructor was called with, for `get_config`.
        auto_named: whether fkeras chose the name, such as `dense_1`.
        name_scope_is_open: whether a caller of `build` has opened the layer's name scope already.
        made_in_call: whether the constructor ran inside the call of another layer.
        call_depth: how many calls of the layer are running, in each other.
        build_shapes: what `build` was called with, by argument name.
        root_key: the key that the weights below this layer are drawn from, if it is a root.
        repeated_in: what is known of the `Repeat` whose block the layer is part of, or None.
        host_programs: the structure that they were found for, and what a call does on the host, by
            the kinds of its inputs; None where nobody asked.
        schemes: how a quantized layer keeps its large weights, by name; empty for floats.
        attribute_scan, structure: results of the last walks over the attributes: see `tracking`.
    """

    # What no step reads: see core/likeness.py.
    _apart = frozenset(
        (
            *("arguments", "nodes", "root_key", "path", "called"),
            *("host_programs", "attribute_scan", "structure"),
        )
    )

    is_held_fixed = False  # weights are, layers are not

    def __init__(self, cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.arguments = (args, kwargs)
        self.is_initialized = False  # `Layer.__init__` has run
        self.name = names.to_snake_case(cls.__name__)
        self.auto_named = True
        self.built = False
        self.called = False
        self.building = False
        self.name_scope_is_open = False
        self.made_in_call = False
        self.call_depth = 0
        self.trainable = True
        self.autocast = True
        self.convert_inputs = True
        self.dtype_policy: DTypePolicy | DTypePolicyMap | None = None
        self.supports_masking = False
        self.input_spec: Nested[InputSpec] | None = None
        self.activity_regularizer: Regularizer | None = None
        self.losses: list[jax.Array] = []
        self.nodes: list[Node] = []
        self.build_shapes: dict[str, Nested[Shape]] | None = None
        self.batch_input_shape: Shape | None = None
        self.initial_weights: list[Any] | None = None
        self.root_key: RootKey | None = None
        self.path: str | None = None
        # Whether an inner trace read the context of a call (`training`, the key) as a constant.
        self.context_was_read = False
        self.drew_in_inner_trace = False
        self.remat: RematScope | None = remat.current()
        self.repeated_in: RepeatedBlock | None = None
        self.schemes: dict[str, Any] = {}
        self.host_programs: tuple[Structure, dict[Any, Program]] | None = None
        self.attribute_scan: AttributeScan | None = None
        self.structure: Structure | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles keep what describes the layer, not what was derived from calls."""
        derived = dict.fromkeys(("remat", "host_programs", "attribute_scan", "structure"))
        return {**vars(self), **derived, "nodes": [], "losses": []}
