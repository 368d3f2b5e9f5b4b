"""Training that is cut off anywhere and goes on ends as the uninterrupted one, bit by bit."""

import itertools

import numpy as np
import pytest

import fkeras
from fkeras import callbacks, layers
from fkeras.errors import CorruptFileError, UserInputError

ROWS, SIZE, EPOCHS = 30, 8, 4  # the last batch is smaller
draw = np.random.default_rng(0)
X = draw.normal(size=(ROWS, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int32")
BATCHES = [(X[i : i + SIZE], Y[i : i + SIZE]) for i in range(0, 24, SIZE)]


class Cut(callbacks.Callback):
    """Raises in a hook; one on batches does not keep training from fused steps."""

    reads_logs_only = True

    def __init__(self, hook=None, count=1):
        super().__init__()
        if hook is not None:
            calls = itertools.count(1)
            setattr(self, hook, lambda *_: self.cut() if next(calls) == count else None)

    def cut(self):
        raise OSError("power cut")


class Twice(callbacks.Callback):
    """A callback of a user's, whose rate depends on what it did before."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        optimizer = self.model.optimizer.inner_optimizer
        optimizer.learning_rate = float(optimizer.learning_rate) * 0.9
        self.seen.append(epoch)

    def on_epoch_end(self, epoch, logs=None):
        logs["seen"] = len(self.seen)

    def get_state(self):
        return {"seen": self.seen}

    def set_state(self, state):
        self.seen = state["seen"]


class Indexed(fkeras.utils.PyDataset):
    """Its own order changes from epoch to epoch."""

    def __init__(self):
        super().__init__()
        self.shift = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return BATCHES[(index + self.shift) % 3]

    def on_epoch_end(self):
        self.shift += 1


class Stateless:
    """Another order at each pass, which only those before tell."""

    def __init__(self):
        self.draw = np.random.default_rng(0)

    def __iter__(self):
        return (BATCHES[i] for i in self.draw.permutation(3))


class Stateful:
    """Its iterators know where they stand; `drawn` counts what was asked of them."""

    drawn = 0

    def __iter__(self):
        return StatefulIterator()


class StatefulIterator:
    def __init__(self, endless=False):
        self.number = 0
        self.endless = endless

    def __iter__(self):
        return self

    def __next__(self):
        if self.number == 3 and not self.endless:
            raise StopIteration
        self.number += 1
        Stateful.drawn += 1
        return BATCHES[(self.number - 1) % 3]

    def get_state(self):
        return {"number": self.number}

    def set_state(self, state):
        self.number = state["number"]


def endless():
    return (BATCHES[i % 3] for i in itertools.count())


def make_model(**options):
    fkeras.utils.set_random_seed(3)
    model = fkeras.Sequential(
        [
            fkeras.Input((4,)),
            layers.Dense(5, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(2),
        ]
    )
    inner = fkeras.optimizers.Adam(0.01, gradient_accumulation_steps=2, use_ema=True)
    model.compile(
        fkeras.optimizers.LossScaleOptimizer(inner, dynamic_growth_steps=3),
        fkeras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        **options,
    )
    return model


class Bench:
    """One compiled model that is put back to its beginning, as a new process would make it."""

    def __init__(self, **options):
        self.model = make_model(**options)
        self.start = self.model.train_state()

    def train(self, *extra, epochs=EPOCHS, x=X, y=Y, **arguments):
        """(values, history) of a training from the beginning."""
        model = self.model
        model.set_train_state(self.start)
        model.training_progress = {"steps": 0, "epochs": 0}
        usual = [
            callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=1.0),
            callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
            Twice(),
        ]
        history = model.fit(x, y, epochs=epochs, callbacks=[*extra, *usual], verbose=0, **arguments)
        values = [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]
        return values, history


@pytest.fixture(scope="module")
def bench():
    return Bench()


def assert_goes_on(bench, folder, cuts, *, save_freq="epoch", **arguments):
    """Cut off at each of the places, each time a new process, it ends as without."""
    data = {"x": X, "y": Y, **arguments}
    make = lambda: {k: v() if callable(v) else v for k, v in data.items()}
    expected, history = bench.train(**make())
    backup = lambda: callbacks.BackupAndRestore(folder, save_freq)
    for hook, count in cuts:
        with pytest.raises(OSError, match="power cut"):
            bench.train(backup(), Cut(hook, count), **make())
    values, resumed = bench.train(backup(), Cut(), **make())
    assert resumed.history == history.history
    assert resumed.epoch == history.epoch
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, other)
    assert not folder.exists()


ARRAYS = {"batch_size": SIZE, "class_weight": {0: 1.0, 1: 2.0}}
VALIDATION = {"validation_data": (X[:10], Y[:10])}
CUTS = {
    "whole epochs": ([("on_epoch_begin", 3), ("on_epoch_end", 1)], ARRAYS | VALIDATION),
    "many steps": (
        [("on_train_batch_end", 3), ("on_epoch_end", 1), ("on_test_end", 2)],
        ARRAYS | VALIDATION | {"save_freq": 3},
    ),
    "every batch": ([("on_train_batch_end", 6), ("on_train_end", 1)], ARRAYS | {"save_freq": 1}),
    "cut passes": (
        [("on_train_batch_end", 4), ("on_epoch_end", 1)],
        ARRAYS | {"steps_per_epoch": 2, "save_freq": 3},
    ),
    "again and again": ([("on_train_batch_end", 3)] * 7, ARRAYS | VALIDATION | {"save_freq": 2}),
    "generator": (
        [("on_train_batch_end", 8), ("on_epoch_begin", 2)],
        {"x": endless, "y": None, "steps_per_epoch": 4, "save_freq": 3},
    ),
    "validation of a generator": (
        [("on_test_batch_end", 3), ("on_epoch_end", 1)],
        ARRAYS | {"validation_data": endless, "validation_steps": 2, "save_freq": 3},
    ),
    "PyDataset": (
        [("on_train_batch_end", 5), ("on_epoch_end", 1)],
        {"x": Indexed, "y": None, "save_freq": 2, "shuffle": True},
    ),
    "part of a PyDataset": (
        [("on_train_batch_end", 5), ("on_epoch_end", 1)],
        {"x": Indexed, "y": None, "save_freq": 2, "steps_per_epoch": 2},
    ),
    "iterable": (
        [("on_train_batch_end", 5), ("on_epoch_end", 1), ("on_epoch_end", 2)],
        {"x": Stateless, "y": None, "save_freq": 2},
    ),
    "iterator with a state": (
        [("on_train_batch_end", 5), ("on_train_batch_end", 2)],
        {"x": Stateful, "y": None, "save_freq": 2},
    ),
    "endless iterator with a state": (
        [("on_train_batch_end", 5), ("on_epoch_end", 1), ("on_train_batch_end", 2)],
        {"x": lambda: StatefulIterator(endless=True), "y": None, "steps_per_epoch": 3},
    ),
    "validation of such an iterator": (
        [("on_test_batch_end", 3), ("on_epoch_end", 1)],
        ARRAYS | {"validation_data": lambda: StatefulIterator(endless=True), "validation_steps": 2},
    ),
    "validation of an iterable": (
        [("on_test_batch_end", 4), ("on_train_batch_end", 3)],
        ARRAYS | {"validation_data": Stateless, "save_freq": 3},
    ),
}


@pytest.mark.parametrize("case", CUTS)
def test_training_goes_on_as_if_nothing_had_happened(bench, tmp_path, case):
    cuts, arguments = CUTS[case]
    assert_goes_on(bench, tmp_path / "backup", cuts, **arguments)


def test_groups_of_steps_go_on(tmp_path):
    bench = Bench(steps_per_execution=2)
    for hook in ("on_train_batch_end", "on_epoch_end"):
        assert_goes_on(bench, tmp_path / "backup", [(hook, 3)], save_freq=2, **ARRAYS)
    cuts, arguments = CUTS["generator"]
    assert_goes_on(bench, tmp_path / "backup", cuts, **arguments)


def test_an_iterator_with_a_state_is_not_drawn_again(bench, tmp_path):
    folder = tmp_path / "backup"
    with pytest.raises(OSError, match="power cut"):
        bench.train(
            callbacks.BackupAndRestore(folder), Cut("on_epoch_begin", 4), x=Stateful(), y=None
        )
    Stateful.drawn = 0
    bench.train(callbacks.BackupAndRestore(folder), x=Stateful(), y=None)
    assert Stateful.drawn == 3  # the last epoch


class StopAt(callbacks.Callback):
    def __init__(self, hook):
        super().__init__()
        setattr(self, hook, self.stop)

    def stop(self, number, logs=None):
        self.model.stop_training = self.model.stop_training or number == 2


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_train_batch_end"])
def test_a_training_that_was_told_to_stop_stops(bench, tmp_path, hook):
    folder = tmp_path / "backup"
    expected, history = bench.train(StopAt(hook), **ARRAYS)
    backup = lambda: callbacks.BackupAndRestore(folder, 1)
    with pytest.raises(OSError, match="power cut"):
        bench.train(StopAt(hook), backup(), Cut("on_train_end"), **ARRAYS)
    values, resumed = bench.train(StopAt(hook), backup(), **ARRAYS)
    assert resumed.history == history.history
    for value, other in zip(values, expected, strict=True):
        np.testing.assert_array_equal(value, other)


def test_a_kept_backup_goes_on_to_further_epochs(bench, tmp_path):
    backup = lambda: callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    expected, history = bench.train(epochs=3, **ARRAYS)
    bench.train(backup(), epochs=2, **ARRAYS)
    _, again = bench.train(backup(), epochs=2, **ARRAYS)
    assert again.epoch == [0, 1]  # nothing was left to do
    values, resumed = bench.train(backup(), epochs=3, **ARRAYS)
    assert resumed.history == history.history


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"x": X[:24], "y": Y[:24]}, "data rows: backup 30, now 24"),
        ({"batch_size": 6}, "data batch_size: backup 8, now 6"),
        ({"shuffle": False}, "data shuffle: backup True, now False"),
        ({"validation_data": (X, Y)}, "validation: backup None"),
        (
            {"x": Indexed(), "y": None, "batch_size": None, "class_weight": None},
            "data kind: backup arrays",
        ),
        ({"steps_per_epoch": 2}, "arguments steps_per_epoch: backup None, now 2"),
    ],
)
def test_a_backup_of_other_data_or_arguments_is_refused(bench, tmp_path, changed, named):
    with pytest.raises(OSError, match="power cut"):
        bench.train(callbacks.BackupAndRestore(tmp_path), Cut("on_epoch_end"), **ARRAYS)
    with pytest.raises(UserInputError, match="belongs to another training") as caught:
        bench.train(callbacks.BackupAndRestore(tmp_path), **{**ARRAYS, **changed})
    assert named in str(caught.value)


def small(units=2, rate=0.1, activation=None, optimizer="SGD"):
    model = fkeras.Sequential([fkeras.Input((4,)), layers.Dense(units, activation=activation)])
    model.compile(getattr(fkeras.optimizers, optimizer)(rate), "mse")
    return model


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"units": 3}, "layers dense units: backup 2, now 3"),
        ({"activation": "relu"}, "layers dense activation: backup linear, now relu"),
        ({"rate": 0.2}, "learning_rate: backup 0.1"),
        ({"optimizer": "Adam"}, "optimizer class: backup SGD, now Adam"),
    ],
)
def test_a_backup_of_another_model_is_refused(tmp_path, options, named):
    y = np.zeros((ROWS, options.get("units", 2)), "float32")
    arguments = {"batch_size": 30, "verbose": 0}
    backup = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    small().fit(X, np.zeros((ROWS, 2)), callbacks=[backup], **arguments)
    model = small(**options)
    before = model.get_weights()
    with pytest.raises(UserInputError, match="belongs to another training") as caught:
        model.fit(X, y, callbacks=[backup], **arguments)
    assert named in str(caught.value)
    assert all(map(np.array_equal, before, model.get_weights()))


def test_two_trainings_in_one_folder_are_told(tmp_path):
    model = small()
    arguments = {"batch_size": 30, "verbose": 0}
    model.fit(X, np.zeros((ROWS, 2)), **arguments)
    backup = callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    model.fit(X, np.zeros((ROWS, 2)), callbacks=[backup], **arguments)
    with pytest.raises(UserInputError, match="a folder of its own"):
        small().fit(X, np.zeros((ROWS, 2)), callbacks=[backup], **arguments)


def test_other_values_of_the_data_are_told(bench, tmp_path):
    with pytest.raises(OSError, match="power cut"):
        bench.train(callbacks.BackupAndRestore(tmp_path), Cut("on_epoch_end"), **ARRAYS)
    with pytest.warns(UserWarning, match="other values than when the backup was made"):
        bench.train(callbacks.BackupAndRestore(tmp_path), x=X + 1, **ARRAYS)


def test_a_callback_that_was_saved_must_be_there(bench, tmp_path):
    logger = callbacks.CSVLogger(tmp_path / "log.csv")
    backup = callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(OSError, match="power cut"):
        bench.train(logger, backup, Cut("on_epoch_end"), **ARRAYS)
    with pytest.raises(UserInputError, match="CSVLogger_0"):
        bench.train(backup, **ARRAYS)


def test_a_generator_that_has_become_shorter_is_told(bench, tmp_path):
    arguments = {"y": None, "steps_per_epoch": 4}
    backup = callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(OSError, match="power cut"):
        bench.train(backup, Cut("on_epoch_end", 2), x=endless(), **arguments)
    with pytest.raises(UserInputError, match="behind 4 batches.*only 3"):
        bench.train(backup, x=iter(BATCHES), **arguments)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_of_a_whole_model_goes_on_too(tmp_path, suffix):
    make_model()  # so that the layers' names carry numbers
    model = make_model()
    save = callbacks.ModelCheckpoint(str(tmp_path / f"{{epoch}}{suffix}"))
    history = model.fit(X, Y, epochs=4, **ARRAYS, callbacks=save, verbose=0).history
    again = fkeras.saving.load_model(tmp_path / f"2{suffix}")
    rest = again.fit(X, Y, initial_epoch=2, epochs=4, **ARRAYS, verbose=0)
    assert rest.epoch == [2, 3]
    assert rest.history == {name: values[2:] for name, values in history.items()}
    for value, other in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(value, other)


# -- damage ----------------------------------------------------------------------


def spoil(path):
    path.write_bytes(path.read_bytes()[:-100])


def test_the_earlier_backup_stands_in_for_a_damaged_one(bench, tmp_path):
    expected, history = bench.train(**ARRAYS)
    backup = callbacks.BackupAndRestore(tmp_path, double_checkpoint=True)
    with pytest.raises(OSError, match="power cut"):
        bench.train(backup, Cut("on_epoch_begin", 3), **ARRAYS)
    spoil(backup.path)
    with pytest.warns(UserWarning, match="goes on from the earlier backup"):
        values, resumed = bench.train(backup, **ARRAYS)
    assert resumed.history == history.history
    assert all(map(np.array_equal, values, expected))


def test_a_damaged_backup_alone_is_an_error(bench, tmp_path):
    backup = callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(OSError, match="power cut"):
        bench.train(backup, Cut("on_epoch_end"), **ARRAYS)
    spoil(backup.path)
    with pytest.raises(CorruptFileError, match="Remove the folder to begin anew"):
        bench.train(backup, **ARRAYS)


@pytest.mark.parametrize("double", [False, True])
def test_a_full_disk_leaves_the_backup_before(bench, tmp_path, double, monkeypatch):
    backup = callbacks.BackupAndRestore(tmp_path, double_checkpoint=double)
    with pytest.raises(OSError, match="power cut"):
        bench.train(backup, Cut("on_epoch_end"), **ARRAYS)
    content = backup.path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fkeras.saving.backup_file.zipfile.ZipFile.writestr", fail)
    with pytest.raises(OSError, match="No space") as caught:
        bench.train(backup, **ARRAYS)
    assert "is as it was" in caught.value.__notes__[0]
    assert backup.path.read_bytes() == content
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".")]


def test_one_backup_for_a_training(bench, tmp_path):
    with pytest.raises(UserInputError, match="one `BackupAndRestore`"):
        bench.train(*[callbacks.BackupAndRestore(tmp_path)] * 2)
