"""`LayerInfo`: what a layer keeps beside its public attributes."""

from fkeras.core import names
from fkeras.core.symbolic.node import Node
from fkeras.core.values import remat


class LayerInfo:
    """What a layer keeps beside its public attributes. One object, so that NNX sees a single static
    attribute.
    """

    def __init__(self, cls, args, kwargs):
        self.arguments = (args, kwargs)
        self.is_initialized = False  # `Layer.__init__` has run
        self.name = names.to_snake_case(cls.__name__)
        self.auto_named = True
        self.built = False
        self.called = False
        self.building = False
        self.name_scope_is_open = False
        self.call_depth = 0
        self.trainable = True
        self.autocast = True
        self.convert_inputs = True
        self.dtype_policy = None
        self.supports_masking = False
        self.input_spec = None
        self.activity_regularizer = None
        self.losses: list = []
        self.nodes: list[Node] = []
        self.build_shapes = None
        self.batch_input_shape = None
        self.initial_weights = None
        self.root_key = None
        self.path = None
        self.remat = remat.current()
        # What the scans of the layer's attributes found: see `tracking`.
        self.look = None
        self.structure = None

    def __getstate__(self):
        return dict(vars(self), nodes=[], losses=[], remat=None, look=None, structure=None)
