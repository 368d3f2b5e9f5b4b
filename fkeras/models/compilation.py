"""`Compilation`: what `compile` chose."""


class Compilation:
    """What `compile` chose, and what was made of it since. One object, so that NNX sees a single
    static attribute.
    """

    def __init__(self):
        self.optimizer = self.loss = self.metrics = self.tracker = None
        self.config = None
        self.run_eagerly, self.jit_compile, self.steps_per_execution, self.fuse = (
            False,
            True,
            1,
            True,
        )
        self.flags: list = []
        self.toggles_told = False
        self.engine = self.engine_key = self.structure = None
        self.bound = None  # (optimizer, structure) that were found to belong together
        self.progress = {"steps": 0, "epochs": 0}
        self.columns = None
        self.functions: dict = {}
        self.outputs: dict = {}  # shapes of a batch -> shapes of its outputs

    def __getstate__(self):
        progress = {k: v for k, v in self.progress.items() if k != "counter"}
        return dict(
            vars(self),
            engine=None,
            engine_key=None,
            structure=None,
            bound=None,
            progress=progress,
            flags=[],
            functions={},
            outputs={},
        )
