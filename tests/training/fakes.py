"""Executables, sources and callbacks that are plain Python, for tests of the loops."""

import numpy as np


class FakeGroups:
    """No Variables at all."""

    def groups(self):
        return [], [], [], []


class FakeExecutables:
    """Steps that count: the only weight is how many training steps were taken, the only metric how
    many rows were seen since the last reset.

    Attributes:
        calls: names of the device calls with their first batch and number of steps.
    """

    eager = False
    metrics_reset_themselves = False
    distribution = None

    def __init__(self, fuses=False, epochs=(0, 0), steps_a_call=4):
        self.fuses, self.epochs, self._steps_a_call = fuses, epochs, steps_a_call
        self.groups = FakeGroups()
        self.signatures, self.calls = {}, []

    @property
    def compilations(self):
        return sum(map(len, self.signatures.values()))

    def fresh_metrics(self, values=None):
        return [0]

    def warn_of_small_batches(self, source):
        pass

    def may_fuse(self, kind, source, *args, times=1):
        return self.fuses and source.in_memory

    def steps_a_call(self, kind, source):
        return self._steps_a_call

    def epochs_a_call(self, source, validation):
        return self.epochs

    def register_shapes(self, kind, batch):
        seen = self.signatures.setdefault(kind, [])
        shape = tuple(batch[0].shape)
        if shape in seen:
            return None
        seen.append(shape)
        return seen[:-1]

    def train_one(self, values, counter, key, batch):
        self.calls.append(("train_one", int(counter), 1))
        values, logs = self._trained(values, len(batch[0]), 1)
        return values, counter + 1, logs

    def train_many(self, values, counter, key, data, order, first, count, size):
        self.calls.append(("train_many", int(first) // size, int(count)))
        values, logs = self._trained(values, int(count) * size, int(count))
        return values, counter + count, logs

    def _trained(self, values, rows, steps):
        *others, metrics = values if len(values) == 4 else (0, [], [], [0])
        metrics = [(metrics or [0])[0] + rows]
        return (*others, metrics), {"rows": np.float32(metrics[0])}

    def test_one(self, weights, metrics, key, counter, batch):
        self.calls.append(("test_one", int(counter), 1))
        rows = metrics[0] + len(batch[0])
        return weights[1], [rows], {"rows": np.float32(rows)}

    def test_many(self, weights, metrics, key, data, first, count, size, index):
        self.calls.append(("test_many", int(index), int(count)))
        rows = metrics[0] + int(count) * size
        return weights[1], [rows], {"rows": np.float32(rows)}

    def predict_one(self, weights, key, index, batch):
        self.calls.append(("predict_one", int(index), 1))
        return batch[0] * 2, {}

    def predict_many(self, weights, key, data, first, index, count, size):
        self.calls.append(("predict_many", int(index), count))
        return data[0][int(first) : int(first) + count * size] * 2, {}


class FakeCallbacks:
    """Writes down the hooks that are called, with the batch or epoch they are told of."""

    def __init__(self, hooks=False, waits=False):
        self.hooks, self.waits = hooks, waits
        self.events, self.logs = [], {}

    def needs_batch_hooks(self, role):
        return self.hooks

    def can_wait(self):
        return self.waits

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)

        def hook(*args):
            index = [a for a in args if isinstance(a, int)]
            self.events.append(" ".join([name[3:], *map(str, index)]))
            logs = [a for a in args if isinstance(a, dict)]
            if logs:
                self.logs[self.events[-1]] = dict(logs[0])

        return hook
