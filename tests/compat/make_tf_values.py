"""Writes `data/tf_values.json`: what TensorFlow itself gives for the calls of `tf_calls.py`.

Run once, where tensorflow-cpu is installed: `python tests/compat/make_tf_values.py`. It is no
dependency of anything else here.
"""

import json
import os
import pathlib
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import tensorflow as tf  # noqa: E402
import tf_calls  # noqa: E402


def main():
    values = {}
    for group in tf_calls.GROUPS:
        for call in tf_calls.calls(group):
            try:
                values[call] = tf_calls.describe(tf_calls.run(call, tf))
            except Exception as error:
                raise SystemExit(f"{call}\n{type(error).__name__}: {error}") from error
    lines = [f"{json.dumps(call)}: {json.dumps(value)}" for call, value in values.items()]
    body = ",\n".join([f'"__version__": "{tf.__version__}"', *lines])
    (HERE / "data" / "tf_values.json").write_text(f"{{\n{body}\n}}\n")
    print(f"{len(values)} calls")


if __name__ == "__main__":
    main()
