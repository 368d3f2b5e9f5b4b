"""Writes `data/text_values.json`: what Keras on TensorFlow gives for the calls of `text_cases.py`;
and `data/*.keras`: models that it saved, and their predictions in `data/text_models.json`.

Run once, where tensorflow-cpu and keras are installed: `python
tests/layers/preprocessing/freeze_with_tensorflow.py`. It is no dependency of anything else here.
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

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import text_cases  # noqa: E402


def plain(value):
    """An output as lists, texts instead of bytes."""
    array = value.numpy()
    if array.dtype == object:
        return np.vectorize(lambda text: text.decode(), otypes=[object])(array).tolist()
    return array.tolist()


def inputs_of(case):
    if case["layer"] == "HashedCrossing":
        # On their own, ids are numbers of 32 bits in TensorFlow.
        return [np.asarray(column) for column in case["inputs"]]
    values = np.asarray(case["inputs"])
    return tf.constant(case["inputs"]) if values.dtype.kind == "U" else values


def freeze_models():
    predictions = {}
    for name, model in text_cases.make_models(keras):
        inputs = text_cases.MODEL_INPUTS[name]
        columns = inputs.values() if isinstance(inputs, dict) else [inputs]
        tensors = [tf.constant(column) for column in columns]
        predictions[name] = model.predict(
            dict(zip(inputs, tensors)) if isinstance(inputs, dict) else tensors[0], verbose=0
        ).tolist()
        model.save(HERE / "data" / f"{name}.keras")
    (HERE / "data" / "text_models.json").write_text(json.dumps(predictions) + "\n")


def main():
    lines = [f'"__version__": "keras {keras.__version__}, tensorflow {tf.__version__}"']
    for name, case in text_cases.CASES.items():
        try:
            layer = text_cases.make_layer(case, keras.layers)
            found = {"outputs": plain(layer(inputs_of(case)))}
        except Exception as error:
            raise SystemExit(f"{name}\n{type(error).__name__}: {error}") from error
        if hasattr(layer, "get_vocabulary"):
            found["vocabulary"] = np.asarray(layer.get_vocabulary()).tolist()
        lines.append(f"{json.dumps(name)}: {json.dumps(found)}")
    body = ",\n".join(lines)
    (HERE / "data" / "text_values.json").write_text(f"{{\n{body}\n}}\n")
    freeze_models()
    print(f"{len(text_cases.CASES)} calls")


if __name__ == "__main__":
    main()
