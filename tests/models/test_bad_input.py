"""Wrong uses that users really make: a clear error before anything is computed, or a warning, and
weights as they were.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras import layers
from tests.models.wrong_uses import (
    BITS,
    IDS,
    NAMES,
    ONE_HOT,
    USES,
    N,
    NoArguments,
    X,
    Y,
    broken,
    changing,
    compiled,
    embedding,
    fit,
    frame,
    in_numpy,
    linear,
    named,
    nothing,
    nullable,
    of_any_length,
    on_schedule,
    one,
    sigmoid,
    softmax,
    subclassed_embedding,
    trained_on_a_frame,
    with_nan,
)

ERRORS = [
    (
        "B001 one-hot labels for a sparse loss",
        softmax,
        fit(X, ONE_HOT),
        "(?s)sparse_categorical_crossentropy.*categorical_crossentropy",
    ),
    (
        "B002 class ids for a one-hot loss",
        lambda: softmax("categorical_crossentropy"),
        fit(X, IDS),
        "sparse_categorical_crossentropy|to_categorical",
    ),
    ("B004 class ids too big", softmax, fit(X, IDS + 7), "(?s)3.*7"),
    ("B005 class ids from one on", softmax, fit(X, IDS + 1), "3"),
    ("B007 fractional class ids", softmax, fit(X, IDS + 0.7), r"(?i)integer|whole|0\.7"),
    (
        "B008 three classes for a binary loss",
        sigmoid,
        fit(X, IDS[:, None]),
        r"\[0, 1\]|0 and 1|between 0",
    ),
    ("B010 masks of 0 and 255", sigmoid, fit(X, BITS * 255), "255"),
    ("B016 seven targets for one output", linear, fit(X, np.ones((N, 7))), r"(?s)7\).*1\)"),
    (
        "B017 two targets for three outputs",
        lambda: linear(units=3),
        fit(X, np.ones((N, 2))),
        r"(?s)2\).*3\)",
    ),
    (
        "B020 a loss in NumPy functions",
        lambda: linear(in_numpy),
        fit(X, Y),
        "(?s)Loss 'in_numpy' .*NumPy.*fkeras.ops.*jax.numpy",
    ),
    (
        "B022 a loss without return",
        lambda: linear(nothing),
        fit(X, Y),
        "nothing.*None|None.*nothing",
    ),
    ("B025 no targets", linear, fit(X), "no targets"),
    ("B026 no loss", lambda: linear(None), fit(X, Y), "no loss to minimise"),
    (
        "B038 class weights by string",
        softmax,
        fit(X, IDS, class_weight={"0": 1.0, "1": 2.0, "2": 1.0}),
        "class_weight",
    ),
    (
        "B041 sample weights of another length",
        softmax,
        fit(X, IDS, sample_weight=np.ones(10)),
        "sample_weight",
    ),
    ("B045 NaN in x", linear, fit(with_nan(X), Y), "(?i)nan"),
    ("B046 NaN in y", linear, fit(X, with_nan(Y)), "(?i)nan"),
    ("B047 infinity in x", linear, fit(with_nan(X, np.inf), Y), "(?i)inf"),
    ("B052 empty arrays", linear, fit(X[:0], Y[:0]), "0 samples"),
    (
        "B053 empty arrays in evaluate",
        linear,
        lambda m: m.evaluate(X[:0], Y[:0], verbose=0),
        "0 samples",
    ),
    (
        "B055 empty validation data",
        linear,
        fit(X, Y, validation_data=(X[:0], Y[:0])),
        "validation_data",
    ),
    ("B058 a negative batch size", linear, fit(X, Y, batch_size=-4), "batch_size"),
    ("B059 a fractional batch size", linear, fit(X, Y, batch_size=16.5), "batch_size"),
    ("B062 lengths that differ", linear, fit(X, Y[:10]), "(?s)16.*10"),
    (
        "B065 a column of strings",
        linear,
        lambda m: m.fit(frame(b=["x"] * N), Y, verbose=0),
        "column 'b' holds strings, such as 'x'",
    ),
    (
        "B067 missing values in a column",
        linear,
        lambda m: m.fit(nullable(), Y, verbose=0),
        r"column 'c' has 2 missing values \(NA\)",
    ),
    (
        "B068 columns in another order",
        trained_on_a_frame,
        lambda m: m.predict(frame()[list("badc")], verbose=0),
        r"predict.*another order.*x = x\[\['a', 'b', 'c', 'd'\]\]",
    ),
    (
        "B068 columns of other names",
        trained_on_a_frame,
        lambda m: m.evaluate(frame().rename(columns={"a": "z"}), Y, verbose=0),
        "evaluate.*missing: 'a'; unknown: 'z'",
    ),
    (
        "B068 columns in another order in a second fit",
        trained_on_a_frame,
        lambda m: m.fit(frame()[list("badc")], Y, verbose=0),
        r"fit.*another order.*x = x\[\['a', 'b', 'c', 'd'\]\].*x\.to_numpy\(\)",
    ),
    ("B073 x is None", linear, fit(None, Y), "x is None|x. is None"),
    ("B074 a tuple of x and y as x", linear, fit((X, Y)), r"fit\(x, y\)|did you mean"),
    (
        "B082 a generator of bare arrays",
        linear,
        lambda m: m.fit((X for _ in range(2)), verbose=0),
        r"Expected a tuple \(x,\)",
    ),
    ("B085 a width that changes", linear, lambda m: m.fit(changing(), verbose=0), r"(?s)4.*3"),
    (
        "B088 a batch size for a generator",
        linear,
        lambda m: m.fit(((X, Y) for _ in range(2)), batch_size=4, verbose=0),
        "batch_size",
    ),
    ("B091 a wrong width", linear, fit(X[:, :3], Y), r"(?s)4.*3"),
    ("B092 one axis too few", linear, fit(X[:, 0], Y), "reshape|expected"),
    *[
        (f"{name}, {where}", make, use_of(x, y), message)
        for name, make, x, y, message in (
            ("B004 class ids too big", softmax, X, IDS + 7, r"\[0, 3\).*7 in row 0"),
            ("B007 fractional class ids", softmax, X, IDS + 0.7, "whole numbers"),
            ("B010 masks of 0 and 255", sigmoid, X, BITS * 255, r"255.0 in row 1.*divide by 255"),
            ("B016 seven targets for one output", linear, X, np.ones((N, 7)), r"7\).*1\)"),
        )
        for where, use_of in USES.items()
    ],
    *[
        (f"{name}, {where}", linear, use_of(x, y), message)
        for name, x, y, message in (
            ("B045 NaN in x", with_nan(X), Y, "x holds 1 NaN"),
            ("B046 NaN in y", X, with_nan(Y), "y holds 1 NaN"),
            ("B047 infinity in x", with_nan(X, np.inf), Y, "x holds 1 infinite"),
        )
        for where, use_of in USES.items()
        if where in ("a generator", "train_on_batch")
    ],
    *[
        (f"weights below 0 in {where}", linear, use, r"(sample_weight|\[2\]) holds -1")
        for where, use in (
            ("fit", fit(X, Y, sample_weight=-np.ones(N))),
            ("a list", fit(X, Y, sample_weight=[-1.0] + [1.0] * (N - 1))),
            ("evaluate", lambda m: m.evaluate(X, Y, sample_weight=-np.ones(N), verbose=0)),
            ("validation", fit(X, Y, validation_data=(X, Y, -np.ones(N)))),
            ("a generator", lambda m: m.fit(one(X, Y, -np.ones(N)), verbose=0)),
        )
    ],
    (
        "B068 columns in another order on a batch",
        trained_on_a_frame,
        lambda m: m.predict_on_batch(frame()[list("badc")]),
        r"predict_on_batch.*another order",
    ),
    *[
        (f"B095 ids too big, {where}", make, use_of(IDS[:, None] + [0, 3], Y), "input_dim=5.*id 5")
        for make in (embedding, subclassed_embedding)
        for where, use_of in USES.items()
    ],
    (
        "B095 ids too big from a generator in predict",
        embedding,
        lambda m: m.predict(one(IDS[:, None] + [0, 3]), verbose=0),
        "batch 0 of `x` .*input_dim=5.*id 5",
    ),
    (
        "B095 ids too big on the device",
        embedding,
        fit(jnp.asarray(IDS[:, None] + [0, 3]), Y),
        "input_dim=5.*id 5",
    ),
    *[
        (f"an axis too many in {name}", linear, use, r"found shape=\(16, 4, 1\).*x\[..., 0\]")
        for name, use in (
            ("fit", fit(X[..., None], Y)),
            ("evaluate", lambda m: m.evaluate(X[..., None], Y, verbose=0)),
            ("predict", lambda m: m.predict(X[..., None], verbose=0)),
            ("train_on_batch", lambda m: m.train_on_batch(X[..., None], Y)),
            ("predict_on_batch", lambda m: m.predict_on_batch(X[..., None])),
            ("a call", lambda m: m(X[..., None])),
            ("a generator", lambda m: m.fit(((X[..., None], Y) for _ in range(1)), verbose=0)),
            ("a pure call", lambda m: m.apply(m.init(m.build_key, X), X[..., None])),
        )
    ],
    *[
        (f"row labels in another order in {name}", linear, use, r"y.*row labels.*\.loc\[.*index")
        for name, use in (
            ("fit", lambda m: m.fit(frame(index=NAMES), named(Y)[::-1], verbose=0)),
            ("evaluate", lambda m: m.evaluate(frame(index=NAMES), named(Y)[::-1], verbose=0)),
            (
                "a split",
                lambda m: m.fit(
                    frame(index=NAMES), named(Y)[::-1], validation_split=0.5, verbose=0
                ),
            ),
            ("train_on_batch", lambda m: m.train_on_batch(frame(index=NAMES), named(Y)[::-1])),
        )
    ],
    (
        "B094 negative ids",
        embedding,
        fit(IDS[:, None] - [0, 1], Y),
        r"input_dim=5.*id -1 at position \(0, 1\)",
    ),
    (
        "B094 negative ids in predict",
        embedding,
        lambda m: m.predict(np.array([[0, -1]]), verbose=0),
        "input_dim=5.*id -1",
    ),
    (
        "B095 ids too big",
        embedding,
        fit(IDS[:, None] + [0, 3], Y),
        r"input_dim=5.*id 5 at position \(2, 1\).*input_dim at least 6",
    ),
    (
        "B095 ids too big in evaluate",
        embedding,
        lambda m: m.evaluate(np.array([[0, 5]]), Y[:1], verbose=0),
        "input_dim=5.*id 5",
    ),
    (
        "B095 ids too big in train_on_batch",
        embedding,
        lambda m: m.train_on_batch([[0, 9]], Y[:1]),
        r"input_dim=5.*id 9 at position \(0, 1\)",
    ),
    (
        "B095 ids too big in test_on_batch",
        embedding,
        lambda m: m.test_on_batch(np.array([[0, 9]]), Y[:1]),
        "input_dim=5.*id 9",
    ),
    (
        "B095 ids too big in predict_on_batch",
        embedding,
        lambda m: m.predict_on_batch(np.array([[0, 9]])),
        "input_dim=5.*id 9",
    ),
    ("B125 a key of the inputs is missing", lambda: by_name(), fit({"a": X}, Y), '"b"'),
    (
        "B127 fit before compile",
        lambda: fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)]),
        fit(X, Y),
        r"compile\(\)",
    ),
    (
        "B127 evaluate before compile",
        lambda: fkeras.Sequential([fkeras.Input((4,)), layers.Dense(1)]),
        lambda m: m.evaluate(X, Y),
        r"compile\(\)",
    ),
    (
        "B128 a misspelt monitor",
        linear,
        fit(X, Y, validation_data=(X, Y), callbacks=[fkeras.callbacks.EarlyStopping("val_los")]),
        "val_los",
    ),
    (
        "B133 a schedule and ReduceLROnPlateau",
        on_schedule,
        fit(X, Y, callbacks=[fkeras.callbacks.ReduceLROnPlateau("loss")]),
        "LearningRateSchedule.*ReduceLROnPlateau cannot set",
    ),
    (
        "B134 a hook without its arguments",
        linear,
        fit(X, Y, callbacks=[NoArguments()]),
        r"NoArguments: `on_epoch_end\(\)`.*def on_epoch_end\(self, epoch, logs=None\)",
    ),
    ("B136 a misspelt argument", linear, fit(X, Y, epoch=3), "Did you mean 'epochs'"),
    (
        "B136 a misspelt argument of evaluate",
        linear,
        lambda m: m.evaluate(X, Y, batchsize=3),
        "Did you mean 'batch_size'",
    ),
    ("a call without return", lambda: broken(lambda x: None), fit(X, Y), "`call`.*returned None"),
    ("a call that returns a text", lambda: broken(lambda x: "x"), fit(X, Y), "'x', of type str"),
    (
        "a metric in NumPy",
        lambda: linear(metrics=[lambda t, p: np.array(p).mean()]),
        fit(X, Y),
        "(?s)[Mm]etric.*lambda.*NumPy",
    ),
    (
        "a metric with float",
        lambda: linear(metrics=[lambda t, p: float(fkeras.ops.mean(p))]),
        fit(X, Y),
        "(?s)[Mm]etric.*lambda.*float",
    ),
    (
        "a loss with if",
        lambda: linear(lambda t, p: p if fkeras.ops.mean(p) > 0 else -p),
        fit(X, Y),
        "(?s)Loss '<lambda>'.*(where|cond)",
    ),
    (
        "a loss that returns a pair",
        lambda: linear(lambda t, p: (fkeras.ops.mean(p), 1)),
        fit(X, Y),
        "returned a tuple. It must return one array",
    ),
    ("strings as inputs", linear, fit(np.full((N, 4), "a"), Y), "x holds strings, such as .*'a'"),
    (
        "negative weights of classes in targets",
        lambda: softmax("categorical_crossentropy"),
        fit(X, ONE_HOT - 1),
        "categorical_crossentropy.*targets must be 0 or more.*-1 in row 0",
    ),
    (
        "negative counts",
        lambda: compiled(layers.Dense(1, activation="exponential"), "poisson"),
        fit(X, -np.ones((N, 1))),
        "poisson.*targets must be 0 or more",
    ),
    (
        "inputs by name for one input",
        linear,
        fit({"a": X, "b": X}, Y),
        "Missing data for input \"input_layer\".*keys \\['a', 'b'\\].*\\['input_layer'\\]",
    ),
    *[
        (f"B136 a misspelt argument of {name}", linear, use, f"`{name}` .*Did you mean '{meant}'")
        for name, meant, use in (
            ("compile", "metrics", lambda m: m.compile("sgd", "mse", metric=["mae"])),
            ("predict", "batch_size", lambda m: m.predict(X, batchsize=3)),
            ("train_on_batch", "sample_weight", lambda m: m.train_on_batch(X, Y, sampleweight=1)),
            ("test_on_batch", "return_dict", lambda m: m.test_on_batch(X, Y, returndict=True)),
        )
    ],
    *[
        (f"B181 {name} inside of jit", linear, use, "JAX trace is open.*model.step")
        for name, use in (
            ("fit", lambda m: jax.jit(lambda x: m.fit(x, Y))(X)),
            ("fit on plain arrays", lambda m: jax.jit(lambda x: m.fit(X, Y))(X)),
            ("evaluate", lambda m: jax.jit(lambda x: m.evaluate(x, Y))(X)),
            ("predict", lambda m: jax.jit(lambda x: m.predict(x))(X)),
            ("train_on_batch", lambda m: jax.jit(lambda x: m.train_on_batch(x, Y))(X)),
            ("predict_on_batch", lambda m: jax.jit(lambda x: m.predict_on_batch(x))(X)),
        )
    ],
    (
        "B181 predict inside of grad",
        linear,
        lambda m: jax.grad(lambda x: m.predict(x).sum())(X),
        r"x is a traced value.*`model\(x\)`",
    ),
    (
        "B137 batches of another width in predict",
        linear,
        lambda m: m.predict((X[:4, :w] for w in (4, 3)), verbose=0),
        r"\(None, 4\).*\(4, 3\)",
    ),
    (
        "B137 outputs of several widths in predict",
        of_any_length,
        lambda m: m.predict((X[None, :w] for w in (5, 3)), verbose=0),
        r"(?s)\(3, 1\).*\(5, 1\)",
    ),
    (
        "B173 a weight for a class that is not there",
        softmax,
        fit(X, IDS, class_weight={7: 2.0}),
        "(?s)class_weight.*7|7.*class_weight",
    ),
    (
        "B170 a misspelt monitor with a mode",
        linear,
        fit(
            X,
            Y,
            validation_data=(X, Y),
            callbacks=[fkeras.callbacks.EarlyStopping("val_los", mode="min")],
        ),
        "val_los",
    ),
    ("epochs is a string", linear, fit(X, Y, epochs="3"), "epochs"),
    ("epochs is negative", linear, fit(X, Y, epochs=-1), "epochs"),
    (
        "validation_freq is 0",
        linear,
        fit(X, Y, validation_data=(X, Y), validation_freq=0),
        "validation_freq",
    ),
    ("validation_split is 1.5", linear, fit(X, Y, validation_split=1.5), "validation_split"),
    ("verbose is 7", linear, lambda m: m.fit(X, Y, verbose=7), "verbose"),
]


def by_name():
    a, b = fkeras.Input((4,), name="a"), fkeras.Input((4,), name="b")
    model = fkeras.Model({"a": a, "b": b}, layers.Dense(1)(layers.Add()([a, b])))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(("name", "make", "use", "message"), ERRORS, ids=[row[0] for row in ERRORS])
def test_a_wrong_use_is_a_clear_error_and_changes_no_weight(name, make, use, message):
    model = make()
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        use(model)
    text = str(caught.value)
    assert (
        len(text.splitlines()) <= 15
        and "JitTracer" not in text
        and "XLA" not in text
        and "array(" not in text
    ), text
    if not name.startswith("B085"):  # the first batch of a generator was good
        for a, b in zip(before, model.get_weights()):
            np.testing.assert_array_equal(a, b)
