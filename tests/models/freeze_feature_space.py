"""Writes `data/feature_space_values.json`: what Keras on TensorFlow encodes the tables of
`feature_space_cases.py` as, and `data/feature_space.keras`, a file of it.

Run once, where tensorflow-cpu and keras are installed: `python
tests/models/freeze_feature_space.py`. It is no dependency of anything else here.
"""

import json
import os
import pathlib
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

import feature_space_cases  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402


def plain(encoded):
    if isinstance(encoded, dict):
        return {name: value.numpy().tolist() for name, value in encoded.items()}
    return encoded.numpy().tolist()


def main():
    (HERE / "data").mkdir(exist_ok=True)
    found = {"__version__": f"keras {keras.__version__}, tensorflow {tf.__version__}"}
    table, other = feature_space_cases.TABLE, feature_space_cases.OTHER
    for name, space in feature_space_cases.spaces(keras).items():
        columns = {key: table[key] for key in space.features}
        space.adapt(tf.data.Dataset.from_tensor_slices(columns).batch(4))
        unseen = {key: other[key] for key in space.features}
        row = {key: column[1] for key, column in columns.items()}
        found[name] = [plain(space(columns)), plain(space(unseen)), plain(space(row))]
        if name == "all kinds by name":
            space.save(HERE / "data" / "feature_space.keras")
    text = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
    (HERE / "data" / "feature_space_values.json").write_text(f"{{\n{text}\n}}\n")


if __name__ == "__main__":
    main()
