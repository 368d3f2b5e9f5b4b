"""`LayerInfo`: what a layer keeps beside its public attributes."""

from fkeras.core import names, remat
from fkeras.core.symbolic import Node


class LayerInfo:
    """What a layer keeps beside its public attributes. One object, so that NNX sees a single static
    attribute.
    """

    def __init__(self, cls, args, kwargs):
        self.arguments = (args, kwargs)
        self.ready = False  # Layer.__init__ has run
        self.name, self.auto_named = names.to_snake_case(cls.__name__), True
        self.built, self.called, self.building, self.in_call, self.calling = (
            False,
            False,
            False,
            False,
            0,
        )
        self.trainable, self.autocast, self.convert_inputs = True, True, True
        self.dtype_policy = None
        self.supports_masking = False
        self.input_spec = None
        self.activity_regularizer = None
        self.losses: list = []
        self.nodes: list[Node] = []
        self.build_shapes = None
        self.batch_input_shape = self.initial_weights = None
        self.root_key = None
        self.path = None
        self.remat = remat.current()
        self.look = self.structure = None  # what was found when somebody looked: see tracking

    def __getstate__(self):
        return dict(vars(self), nodes=[], losses=[], remat=None, look=None, structure=None)
