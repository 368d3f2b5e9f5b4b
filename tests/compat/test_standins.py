"""What a script gets for `keras` and `tensorflow`, and what libraries see."""

import ast

import pytest

from fkeras.compat import standins


def test_every_way_of_importing_gives_fkeras(command):
    printed = command.output("""
        import importlib
        import fkeras
        import keras, tf_keras
        import keras.ops
        import tensorflow
        import tensorflow as tf
        import tensorflow.keras.ops as first
        import tensorflow.python.keras.ops as second
        from keras import ops as third
        from keras.ops import add
        from tensorflow import keras as fourth
        from tensorflow.keras import ops as fifth
        from tensorflow.keras.ops import add as again
        from tensorflow.python.keras.backend import *

        def later():
            from tf_keras import ops
            return ops

        by_name = importlib.import_module("keras.ops")
        all_ops = [first, second, third, fifth, keras.ops, tf.keras.ops, later(), by_name]
        print({ops is fkeras.ops for ops in all_ops}, backend())
        print(tensorflow is tf, keras is fourth is tf.keras is tf_keras, add is again)
        is_ours = keras.Model is fkeras.Model
        is_same = keras.version() == keras.__version__
        print(keras.backend.backend(), tf.__version__, is_ours, is_same)
    """)
    assert printed == "{True} jax\nTrue True True\njax 2.19.0 True True\n"


def test_fkeras_under_the_name_keras(command):
    assert command.output("import fkeras as keras\nprint(keras.backend.backend())") == "jax\n"


def test_seeds_devices_and_functions_of_tensorflow(command):
    done = command.fkeras(
        command.write(
            "script.py",
            """
        import tensorflow as tf

        def draw(seed):
            tf.random.set_seed(seed)
            return tf.keras.random.normal((3,)).tolist()

        print(draw(1) == draw(1) != draw(2))
        devices = tf.config.list_physical_devices
        print(devices("CPU"), devices("GPU"), len(devices()))

        @tf.function
        def f(x):
            return x + 1

        @tf.function(jit_compile=True)
        def g(x):
            return x + 2

        print(f(1), g(1))
    """,
        )
    )
    assert (
        done.stdout
        == "True\n[PhysicalDevice(name='/physical_device:CPU:0', device_type='CPU')] [] 1\n2 3\n"
    ), done.stderr
    assert done.stderr.count("tf.function does nothing here") == 1


ABSENT = [
    ("tf.gradients", "AttributeError", "fkeras has no `tf.gradients`.*tf.GradientTape"),
    ("tf.random.dirichlet", "AttributeError", "no `tf.random.dirichlet`.*`keras.random`"),
    ("tf.random.nrmal", "AttributeError", "Did you mean `tf.random.normal`"),
    ("tf.log", "AttributeError", "fkeras has no `tf.log`.*`tf.math.log`"),
    ("tf.lite", "AttributeError", "fkeras has no `tf.lite`.*not exported yet"),
    ("tf.lite.TFLiteConverter", "AttributeError", "fkeras has no `tf.lite`"),
    ("tf.train.Saver", "AttributeError", "no `tf.train.Saver`.*tf.train.Checkpoint"),
    ("tf.feature_column", "AttributeError", "fkeras has no `tf.feature_column`.*keras.Input"),
    ("tf.estimator", "AttributeError", "fkeras has no `tf.estimator`.*`fit`"),
    ("tf.compat.v1.placeholder", "AttributeError", "no `tf.compat.v1.placeholder`.*TensorFlow 2"),
    ("tf.compat.v1.Session().run(1)", "UserInputError", "no graphs"),
    ("import tensorflow_datasets", "ModuleNotFoundError", "tensorflow_datasets.*keras.datasets"),
    ("import tensorflow_hub as hub", "ModuleNotFoundError", "tensorflow_hub.*FlaxLayer"),
    ("from tensorflow_addons import x", "ModuleNotFoundError", "tensorflow_addons.*AdamW"),
    (
        "importlib.import_module('tensorflow_text')",
        "ModuleNotFoundError",
        "tensorflow_text.*tf.strings",
    ),
    ("tf.Session()", "AttributeError", "fkeras has no `tf.Session`.*no graphs"),
    (
        "from tensorflow import lite",
        "ImportError",
        "cannot import name 'lite' from 'tensorflow': fkeras has no `tf.lite`",
    ),
    (
        "import tensorflow.lite",
        "ModuleNotFoundError",
        "No module named 'tensorflow.lite': fkeras has no `tf.lite`",
    ),
    ("keras.Modle", "AttributeError", "Did you mean 'Model'"),
    (
        "import keras.src.layers",
        "ModuleNotFoundError",
        "No module named 'keras.src': `keras.src` is not a public name of Keras",
    ),
    (
        "from keras.ops import nothing",
        "ImportError",
        "cannot import name 'nothing' from 'keras.ops'",
    ),
    (
        "from tensorflow.keras import nothing",
        "ImportError",
        "cannot import name 'nothing' from 'tensorflow.keras'",
    ),
    (
        "importlib.import_module('tensorflow.contrib')",
        "ModuleNotFoundError",
        "No module named 'tensorflow.contrib'",
    ),
]


def test_what_is_absent_says_what_to_use_instead(command):
    lines = "\n".join(
        f"""
try:
    {statement}
except Exception as error:
    raised.append((type(error).__name__, str(error)))
else:
    raised.append(("nothing", ""))"""
        for statement, _, _ in ABSENT
    )
    printed = command.output(
        f"import importlib, keras, tensorflow as tf\nraised = []{lines}\nprint(raised)"
    )
    raised = ast.literal_eval(printed)
    for (statement, kind, message), (got, text) in zip(ABSENT, raised, strict=True):
        assert got == kind, f"{statement}: {got}: {text}"
        with pytest.raises(AssertionError, match=message):
            raise AssertionError(text)


PROBE = """
    import importlib
    import importlib.util
    import pkgutil
    import sys


    def tries(what):
        try:
            what()
        except ImportError as error:
            return f"{type(error).__name__}: {error}"
        return "found"


    def statement():
        import tensorflow


    def what_i_see():
        return [
            tries(statement),
            tries(lambda: importlib.import_module("tensorflow")),
            tries(lambda: __import__("tensorflow.keras")),
            tries(lambda: pkgutil.resolve_name("tensorflow.keras")),
            importlib.util.find_spec("tensorflow"),
            importlib.util.find_spec("tf_keras"),
            "tensorflow" in sys.modules,
            "keras" in sys.modules,
        ]
"""
NOTHING = ["ModuleNotFoundError: No module named 'tensorflow'"] * 4 + [None, None, False, False]
SCRIPT = """
    import importlib.util
    import keras
    import tensorflow as tf
    import probe
    from tensorflow.keras import ops
    print(probe.what_i_see())
    names = ("keras", "tensorflow", "tensorflow.keras.ops")
    found = [importlib.util.find_spec(n).name for n in names]
    print(found, tf.__spec__.name, tf.__version__)
"""


@pytest.mark.parametrize("installed", [False, True])
def test_libraries_see_tensorflow_as_absent_while_the_script_has_it(command, installed):
    command.write("lib/site-packages/probe.py", PROBE)
    if installed:  # the genuine ones lose
        command.write(
            "lib/site-packages/tensorflow/__init__.py", "raise SystemError('the genuine one')"
        )
        command.write("lib/site-packages/tensorflow/keras.py", "")
        command.write("lib/site-packages/keras/__init__.py", "raise SystemError('the genuine one')")
    command.path.append(str(command.folder / "lib/site-packages"))
    seen, script = command.output(SCRIPT).splitlines()
    assert ast.literal_eval(seen) == NOTHING
    assert script == "['keras', 'tensorflow', 'tensorflow.keras.ops'] tensorflow 2.19.0"


def test_libraries_get_fkeras_as_keras(command):
    command.write(
        "lib/site-packages/extra_layers.py", "import fkeras, keras\nsame = keras.ops is fkeras.ops"
    )
    command.path.append(str(command.folder / "lib/site-packages"))
    assert command.output("import extra_layers\nprint(extra_layers.same)") == "True\n"


def test_modules_of_ones_own_get_fkeras_too(command):
    command.write("mine.py", "from tensorflow import keras\nname = keras.backend.backend()")
    assert command.output("import mine\nprint(mine.name)") == "jax\n"


def test_an_installed_package_run_by_name_counts_as_ones_own(command):
    command.write("lib/site-packages/mine/__init__.py", "")
    command.write(
        "lib/site-packages/mine/train.py",
        "import tensorflow as tf\nimport mine.more\nprint(tf.__version__, mine.more.version)",
    )
    command.write(
        "lib/site-packages/mine/more.py", "import tensorflow as tf\nversion = tf.__version__"
    )
    command.path.append(str(command.folder / "lib/site-packages"))
    done = command.fkeras("-m", "mine.train")
    assert done.stdout == "2.19.0 2.19.0\n", done.stderr


def test_a_standin_can_be_pickled(command):
    assert (
        command.output(
            "import pickle, tensorflow as tf\nprint(pickle.loads(pickle.dumps(tf)) is tf)"
        )
        == "True\n"
    )


def test_install_in_a_running_program_and_without_tensorflow_it_is_absent_before(command):
    script = command.write(
        "script.py",
        """
        import fkeras.compat

        try:
            import tensorflow
        except ImportError:
            print("absent")
        fkeras.compat.install()
        fkeras.compat.install()
        import tensorflow as tf
        print(tf.__version__)
    """,
    )
    assert command.python(script).stdout == "absent\n2.19.0\n"


def test_dir_shows_what_a_script_may_use():
    names = dir(standins.keras)
    assert {"layers", "Model", "__version__", "version"} <= set(names)
    assert not {"core", "errors", "compat", "types", "__path__", "_more"} & set(names)
    of_tf = {"keras", "function", "math", "reduce_mean", "losses"}
    assert of_tf <= set(dir(standins.tensorflow))
    assert {"v1", "as_str"} <= set(dir(standins.tensorflow.compat))
    assert [name for name in names if not hasattr(standins.keras, name)] == []
