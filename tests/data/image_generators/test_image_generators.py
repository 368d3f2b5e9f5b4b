"""Images changed at random: the numbers of Keras's own, for the same seeds."""

import importlib

import numpy as np
import pytest
from PIL import Image

import fkeras
from fkeras.errors import UserInputError, UserTypeError

ours = fkeras.preprocessing.image
RANDOM = np.random.default_rng(4)
X = RANDOM.uniform(0, 255, (7, 6, 5, 3)).astype("float32")
Y = np.arange(7) % 3
SCIPY = "ignore:.*scipy.ndimage.interpolation.*:DeprecationWarning"
PILLOW = "ignore:'mode' parameter:DeprecationWarning"
TOGETHER = "ignore:This ImageDataGenerator specifies"
pytestmark = [pytest.mark.filterwarnings(text) for text in (SCIPY, PILLOW, TOGETHER)]


@pytest.fixture(scope="module")
def theirs(keras):
    return importlib.import_module("keras.src.legacy.preprocessing.image")


def equal(a, b):
    if isinstance(a, tuple | list):
        assert type(a) is type(b) and len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            equal(one, other)
        return
    assert a.dtype == b.dtype
    np.testing.assert_array_equal(a, b)


# -- single changes -------------------------------------------------------------------------------

CHANGES = [
    ("apply_affine_transform", {"theta": 30}),
    ("apply_affine_transform", {"tx": 1.5, "ty": -2, "fill_mode": "constant", "cval": 7.0}),
    ("apply_affine_transform", {"shear": 20, "zx": 0.7, "fill_mode": "reflect", "order": 3}),
    ("apply_affine_transform", {"theta": -50, "tx": 1, "shear": 5, "zy": 1.4, "fill_mode": "wrap"}),
    ("apply_affine_transform", {}),
    ("apply_channel_shift", {"intensity": 40.5}),
    ("random_rotation", {"rg": 40}),
    ("random_shift", {"wrg": 0.3, "hrg": 0.2, "interpolation_order": 0}),
    ("random_shear", {"intensity": 30, "fill_mode": "constant"}),
    ("random_zoom", {"zoom_range": (0.5, 1.5)}),
    ("random_zoom", {"zoom_range": (1, 1)}),
    ("random_channel_shift", {"intensity_range": 60}),
]
AXES = [
    {"row_axis": 0, "col_axis": 1, "channel_axis": 2},
    {"row_axis": 1, "col_axis": 2, "channel_axis": 0},
    {"row_axis": 2, "col_axis": 1, "channel_axis": 0},
]


@pytest.mark.parametrize("name, arguments", CHANGES, ids=str)
@pytest.mark.parametrize("axes", AXES, ids=str)
def test_single_changes(theirs, name, arguments, axes):
    if "channel_shift" in name:
        axes = {"channel_axis": axes["channel_axis"]}
    for x in (X[0], X[0].astype("uint8"), X[0].astype("float64")):
        results = []
        for module in (ours, theirs):
            np.random.seed(3)
            results.append(getattr(module, name)(x.copy(), **arguments, **axes))
        equal(*results)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("x", [X[0], X[0] - 90, X[0, :, :, :1] * 2], ids=["plain", "low", "high"])
def test_brightness(theirs, scale, x):
    equal(ours.apply_brightness_shift(x, 0.6, scale), theirs.apply_brightness_shift(x, 0.6, scale))
    np.random.seed(1)
    result = ours.random_brightness(x, (0.5, 1.5), scale)
    np.random.seed(1)
    equal(result, theirs.random_brightness(x, (0.5, 1.5), scale))


# -- the generator --------------------------------------------------------------------------------

GENERATORS = [
    {},
    {"rescale": 1 / 255},
    {"rotation_range": 40, "width_shift_range": 0.2, "height_shift_range": 0.2},
    {"width_shift_range": 3, "height_shift_range": [1, 2], "fill_mode": "constant", "cval": 9.0},
    {"shear_range": 20, "zoom_range": 0.3, "horizontal_flip": True, "vertical_flip": True},
    {"zoom_range": [0.8, 1.0], "interpolation_order": 0, "channel_shift_range": 50.0},
    {"brightness_range": (0.4, 1.6), "rotation_range": 5, "rescale": 1 / 255},
    {"samplewise_center": True, "samplewise_std_normalization": True},
    {"samplewise_std_normalization": True},
    {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 0.1},
    {"featurewise_std_normalization": True, "horizontal_flip": True},
    {"zca_whitening": True, "featurewise_std_normalization": True},
    {"zca_whitening": True, "zca_epsilon": 0.1, "rotation_range": 10},
    {"preprocessing_function": lambda x: x + np.random.uniform(), "rescale": 2.0},
    {"dtype": "float64", "rotation_range": 40},
]


def both(theirs, arguments, **fit):
    generators = [module.ImageDataGenerator(**arguments) for module in (ours, theirs)]
    for generator in generators:
        generator.fit(X, **fit)
    return generators


@pytest.mark.parametrize("arguments", GENERATORS, ids=str)
def test_batches_in_both_forms_of_iteration(theirs, arguments):
    generators = both(theirs, arguments)
    np.random.seed(5)
    mine = generators[0].flow(X, Y, batch_size=3, seed=1)
    by_index = [mine[i] for i in (0, 2, 1)] + [next(mine) for _ in range(4)]
    np.random.seed(5)
    other = generators[1].flow(X, Y, batch_size=3, seed=1)
    assert len(mine) == len(other) == 3
    for batch, expected in zip(by_index, [other[i] for i in (0, 2, 1)], strict=False):
        equal(batch, expected)
    for batch in by_index[3:]:
        equal(batch, next(other))


@pytest.mark.parametrize("arguments", GENERATORS[9:13], ids=str)
def test_what_fit_learns_from_changed_images(theirs, arguments):
    mine, other = both(theirs, {**arguments, "vertical_flip": True}, augment=True, rounds=2, seed=3)
    for name in ("mean", "std", "zca_whitening_matrix"):
        if getattr(other, name) is None:
            assert getattr(mine, name) is None
        else:
            equal(getattr(mine, name), getattr(other, name))


def test_channels_first_and_the_global_generator(theirs):
    arguments = {"data_format": "channels_first", "rotation_range": 30, "featurewise_center": True}
    first = np.moveaxis(X, -1, 1)
    results = []
    for module in (ours, theirs):
        generator = module.ImageDataGenerator(**arguments)
        generator.fit(first)
        np.random.seed(8)
        results.append(next(generator.flow(first, batch_size=4)))
    equal(*results)


@pytest.mark.parametrize(
    "arguments, given",
    [
        ({}, {"x": X}),
        ({}, {"x": X, "y": Y, "sample_weight": Y * 0.5}),
        ({}, {"x": (X, Y), "y": Y}),
        ({}, {"x": (X, [Y, X]), "y": Y}),
        ({"validation_split": 0.4}, {"x": X, "y": Y, "subset": "training"}),
        ({"validation_split": 0.4}, {"x": (X, Y), "subset": "validation"}),
        (
            {"validation_split": 0.2},
            {"x": X, "y": Y, "subset": "validation", "ignore_class_split": True},
        ),
        ({}, {"x": X, "y": Y, "shuffle": False}),
    ],
)
def test_what_batches_are_made_of(theirs, arguments, given):
    if arguments.get("validation_split") == 0.4 and "y" in given:
        given = {**given, "y": np.arange(7) % 2}
    results = []
    for module in (ours, theirs):
        source = module.ImageDataGenerator(**arguments).flow(**given, batch_size=2, seed=3)
        results.append([source.n, [source[i] for i in range(len(source))]])
    assert results[0][0] == results[1][0]
    for batch, expected in zip(results[0][1], results[1][1], strict=True):
        equal(batch, expected)


def test_weights_are_those_of_the_images_of_a_part():
    generator = ours.ImageDataGenerator(validation_split=0.4)
    source = generator.flow(X, Y % 2, sample_weight=np.arange(7), subset="training", shuffle=False)
    assert source[0][2].tolist() == [2, 3, 4, 5, 6]


def test_the_numbers_of_one_change(theirs):
    arguments = {**GENERATORS[4], "brightness_range": (0.5, 1), "channel_shift_range": 3}
    mine, other = (module.ImageDataGenerator(**arguments) for module in (ours, theirs))
    numbers = mine.get_random_transform((6, 5, 3), seed=2)
    assert numbers == other.get_random_transform((6, 5, 3), seed=2)
    equal(mine.apply_transform(X[0], numbers), other.apply_transform(X[0], numbers))
    equal(mine.apply_transform(X[0], {"theta": 9}), other.apply_transform(X[0], {"theta": 9}))
    equal(mine.random_transform(X[0], seed=1), other.random_transform(X[0], seed=1))
    equal(mine.standardize(X.copy()), other.standardize(X.copy()))


def test_orders_over_epochs(theirs):
    orders = []
    for module in (ours, theirs):
        np.random.seed(2)
        source = module.ImageDataGenerator().flow(X, np.arange(7), batch_size=3)
        order = [next(source)[1] for _ in range(5)]
        source.reset()
        order += [next(source)[1] for _ in range(2)]
        source.on_epoch_end()
        order += [source[i][1] for i in range(3)]
        orders.append(np.concatenate(order).tolist())
    assert orders[0] == orders[1]


# -- files ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Folders of classes with image files of different sizes, and files that are none."""
    root = tmp_path_factory.mktemp("images")
    for number, name in enumerate(["cat", "dog/deep", "dog", "ant"]):
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(3):
            pixels = RANDOM.integers(0, 256, (5 + number, 6 + i, 3)).astype("uint8")
            Image.fromarray(pixels).save(root / name / f"{i}.{'png' if i else 'bmp'}")
    (root / "cat" / "notes.txt").write_text("no image")
    return root


DIRECTORY = [
    {},
    {"class_mode": "sparse", "color_mode": "grayscale", "interpolation": "bilinear"},
    {"classes": ["dog", "cat"], "class_mode": "binary", "shuffle": False},
    {"class_mode": None, "color_mode": "rgba"},
    {"class_mode": "input", "keep_aspect_ratio": True},
    {"subset": "training"},
    {"subset": "validation", "shuffle": False},
]


@pytest.mark.parametrize("given", DIRECTORY, ids=str)
def test_batches_from_a_folder(theirs, folder, given, capsys):
    results, shown = [], []
    for module in (ours, theirs):
        generator = module.ImageDataGenerator(
            rescale=1 / 255, rotation_range=20, validation_split=0.4
        )
        source = generator.flow_from_directory(
            str(folder), target_size=(4, 5), batch_size=4, seed=1, **given
        )
        shown.append(capsys.readouterr().out)
        names = ("samples", "class_indices", "num_classes", "filenames", "filepaths", "image_shape")
        facts = [getattr(source, name) for name in names]
        results.append([facts, source.classes, [source[i] for i in range(len(source))]])
    assert shown[0] == shown[1].replace("\x1b[0m", "") and "Found" in shown[0]
    assert results[0][0] == results[1][0]
    equal(results[0][1], results[1][1])
    equal(results[0][2], results[1][2])


def test_channels_first_from_a_folder(theirs, folder):
    batches = []
    for module in (ours, theirs):
        generator = module.ImageDataGenerator(data_format="channels_first")
        batches.append(next(generator.flow_from_directory(folder, target_size=(4, 5), seed=1)))
    assert batches[0][0].shape == (12, 3, 4, 5)
    equal(*batches)


def test_a_folder_without_images_is_told(tmp_path):
    with pytest.warns(UserWarning, match="No image was found"):
        source = ours.ImageDataGenerator().flow_from_directory(tmp_path)
    assert len(source) == 0


def frame_of(folder):
    import pandas

    names = [f"cat/{i}.{'png' if i else 'bmp'}" for i in range(3)]
    names += [f"ant/{i}.{'png' if i else 'bmp'}" for i in range(3)] + ["ant/gone.png"]
    return pandas.DataFrame(
        {
            "filename": names,
            "class": ["cat"] * 3 + ["ant"] * 4,
            "tags": [["a", "b"], ["c"], ["a"], ["b"], ["a", "c"], ["b", "c"], ["a"]],
            "value": np.arange(7) * 0.5,
            "other": np.arange(7) * 2,
            "weight": np.linspace(1, 2, 7),
        }
    )


FRAME = [
    {},
    {"class_mode": "binary", "weight_col": "weight"},
    {"class_mode": "sparse", "classes": ["cat", "ant"]},
    {"class_mode": "categorical", "y_col": "tags"},
    {"class_mode": "categorical", "y_col": "tags", "classes": ["c", "a"]},
    {"class_mode": "categorical", "classes": ["cat"]},
    {"class_mode": "raw", "y_col": "value"},
    {"class_mode": "raw", "y_col": ["value", "other"]},
    {"class_mode": "multi_output", "y_col": ["value", "other"]},
    {"class_mode": "input"},
    {"class_mode": None, "subset": "training"},
    {"class_mode": "categorical", "subset": "validation"},
]


@pytest.mark.filterwarnings("ignore:Found 1 invalid image")
@pytest.mark.parametrize("given", FRAME, ids=str)
def test_batches_from_a_frame(theirs, folder, given, capsys):
    results, shown = [], []
    for module in (ours, theirs):
        generator = module.ImageDataGenerator(horizontal_flip=True, validation_split=0.4)
        source = generator.flow_from_dataframe(
            frame_of(folder), str(folder), target_size=(4, 5), batch_size=4, seed=1, **given
        )
        shown.append(capsys.readouterr().out)
        facts = [source.samples, source.filenames, getattr(source, "class_indices", None)]
        results.append([facts, [source[i] for i in range(len(source))]])
    assert shown[0] == shown[1].replace("\x1b[0m", "") and "Found" in shown[0]
    assert results[0][0] == results[1][0]
    equal(results[0][1], results[1][1])


def test_rows_without_a_file_are_told(folder):
    with pytest.warns(UserWarning, match="Found 1 invalid .* 'ant/gone.png'"):
        ours.ImageDataGenerator().flow_from_dataframe(frame_of(folder), folder)
    frame = frame_of(folder)[:-1]
    frame["filename"] = [str(folder / name) for name in frame["filename"]]
    with pytest.warns(UserWarning, match="sort"):
        source = ours.ImageDataGenerator().flow_from_dataframe(
            frame, validate_filenames=False, sort=True
        )
    with pytest.warns(UserWarning, match="raw"):
        ours.ImageDataGenerator().flow_from_dataframe(frame, class_mode="other", y_col="value")
    assert source.samples == 6


@pytest.mark.parametrize("from_files", [True, False])
def test_changed_images_can_be_looked_at(theirs, folder, tmp_path, from_files):
    written = []
    for module in (ours, theirs):
        place = tmp_path / module.__name__
        place.mkdir()
        save = {"save_to_dir": str(place), "save_prefix": "seen", "save_format": "png", "seed": 1}
        generator = module.ImageDataGenerator(rotation_range=30)
        if from_files:
            next(generator.flow_from_directory(folder, (4, 5), batch_size=3, **save))
        else:
            next(generator.flow(X, batch_size=3, **save))
        files = sorted(place.iterdir())
        written.append([(file.name, np.asarray(Image.open(file)).tolist()) for file in files])
    assert len(written[0]) == 3 and written[0] == written[1]


# -- training -------------------------------------------------------------------------------------


def test_sources_train_evaluate_and_predict(folder):
    generator = ours.ImageDataGenerator(rescale=1 / 255)
    source = generator.flow_from_directory(
        folder, target_size=(4, 5), batch_size=5, class_mode="sparse", shuffle=False
    )
    layers = fkeras.layers
    model = fkeras.Sequential([layers.Flatten(), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    steps = source.samples // source.batch_size
    history = model.fit(source, steps_per_epoch=steps, epochs=2, validation_data=source, verbose=0)
    assert len(history.history["val_loss"]) == 2
    source.reset()
    predictions = model.predict(source, verbose=0)
    assert predictions.shape == (12, 3)
    accuracy = model.evaluate(source, verbose=0, return_dict=True)["accuracy"]
    assert accuracy == pytest.approx(np.mean(predictions.argmax(-1) == source.classes))
    model.fit(generator.flow(np.ones((7, 4, 5, 3)), np.ones(7, "float32"), batch_size=5), verbose=0)


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"zoom_range": [1, 2, 3]}, "zoom_range"),
        ({"brightness_range": 0.5}, "brightness_range"),
        ({"validation_split": 1.5}, "validation_split"),
        ({"data_format": "channels"}, "data_format"),
    ],
)
def test_wrong_arguments_of_the_generator(arguments, said):
    with pytest.raises(UserInputError, match=said):
        ours.ImageDataGenerator(**arguments)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"x": X[0]}, "rank 4"),
        ({"x": X, "y": Y[:3]}, "same length"),
        ({"x": X, "sample_weight": Y[:3]}, "same length"),
        ({"x": (X, Y[:3])}, "same length"),
        ({"x": X, "subset": "test"}, "Invalid subset name"),
        ({"x": X, "y": np.arange(7), "subset": "training"}, "different number of classes"),
        ({"x": X, "batch_size": 0}, "batch_size"),
    ],
)
def test_wrong_arguments_of_flow(given, said):
    with pytest.raises(UserInputError, match=said):
        ours.ImageDataGenerator(validation_split=0.5).flow(**given)


@pytest.mark.parametrize(
    "given, error, said",
    [
        ({"class_mode": "binary", "classes": ["a"]}, UserInputError, "must be 2 classes"),
        ({"class_mode": "binary", "y_col": "filename"}, UserInputError, "Found 7 classes"),
        ({"class_mode": "sparse", "y_col": "value"}, UserTypeError, "must be strings"),
        ({"y_col": "value"}, UserTypeError, "string, list or tuple"),
        ({"y_col": "klass"}, UserInputError, "no column 'klass'"),
        ({"class_mode": "multi_output"}, UserTypeError, "must be a list"),
        ({"class_mode": "multi"}, UserInputError, "Invalid class_mode"),
        ({"x_col": "value"}, UserTypeError, "must be strings"),
        ({"weight_col": "class"}, UserTypeError, "must be numeric"),
        ({"color_mode": "grey"}, UserInputError, "Invalid color mode"),
    ],
)
def test_wrong_arguments_of_flow_from_dataframe(folder, given, error, said):
    with pytest.raises(error, match=said):
        ours.ImageDataGenerator().flow_from_dataframe(frame_of(folder), folder, **given)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ours.apply_affine_transform(X[0], row_axis=1, col_axis=1),
        lambda: ours.apply_affine_transform(X[0], row_axis=0, col_axis=3, channel_axis=2),
        lambda: ours.apply_affine_transform(X[0], row_axis=0, col_axis=2, channel_axis=1),
        lambda: ours.apply_affine_transform(X),
        lambda: ours.random_zoom(X[0], (1, 2, 3)),
        lambda: ours.random_brightness(X[0], 0.5),
        lambda: ours.ImageDataGenerator().fit(X[0]),
        lambda: ours.ImageDataGenerator().flow(X)[1],
        lambda: ours.Iterator(3, 1, False, None)[0],
        lambda: ours.DirectoryIterator(".", None, class_mode="raw"),
        lambda: ours.DirectoryIterator(".", None, subset="training"),
    ],
)
def test_other_wrong_uses(call):
    with pytest.raises(UserInputError):
        call()


def test_what_was_not_learnt_and_odd_channels_are_told():
    generator = ours.ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match="hasn't been fit"):
        next(generator.flow(X))
    with pytest.warns(UserWarning, match="either 1, 3, or 4 channels"):
        ours.ImageDataGenerator().flow(X[..., :2])
    with pytest.warns(UserWarning, match="1, 3 or 4 channels"):
        generator.fit(X[..., :2])
