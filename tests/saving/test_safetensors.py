"""`.safetensors`: weights by structural path."""

import json
import struct
import sys

import ml_dtypes
import numpy as np
import pytest

from fkeras.errors import CorruptFileError, IncompatibleFileError, UserInputError
from fkeras.saving.formats.safetensors import SafetensorsFile
from fkeras.saving.record import ModelRecord
from tests.saving.models import dense, with_everything

library = pytest.importorskip("safetensors.numpy")


def test_weights_come_back_and_other_libraries_read_them(tmp_path):
    model = with_everything()
    model.save_weights(tmp_path / "model.safetensors")
    before = model.get_weights()
    model.set_weights([w * 0 for w in before])
    model.load_weights(tmp_path / "model.safetensors")
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    stored = library.load_file(tmp_path / "model.safetensors")
    assert "block/batch_normalization/moving_mean" in stored
    np.testing.assert_array_equal(stored["block/dense/kernel"], before[0])


DTYPES = "float32 float16 float64 int8 uint8 int32 uint32 int64 bool complex64".split()


def test_all_dtypes_and_sizes_come_back(tmp_path):
    weights = {f"a b/{name}": np.ones((2, 1), name) for name in DTYPES}
    weights |= {
        "half": np.arange(3).astype(ml_dtypes.bfloat16),
        "scalar": np.array(3.0, "float32"),
        "größe/none": np.zeros((0, 4), "float16"),
        "not contiguous": np.arange(6, dtype="float32").reshape(2, 3).T,
    }
    SafetensorsFile().write(ModelRecord(weights), tmp_path / "x.safetensors")
    again = SafetensorsFile().read(tmp_path / "x.safetensors").weights
    assert again.keys() == weights.keys()
    for name, array in weights.items():
        assert again[name].dtype == array.dtype and again[name].shape == array.shape
        np.testing.assert_array_equal(again[name], array)


def test_files_of_others_are_read(tmp_path):
    model = dense()
    arrays = {"dense_1/kernel": np.ones((4, 1)), "dense/bias": np.full(4, 2.0)}
    arrays |= {"dense/kernel": np.zeros((3, 4)), "dense_1/bias": np.full(1, 3.0)}
    library.save_file(arrays, tmp_path / "x.safetensors")
    model.load_weights(tmp_path / "x.safetensors")
    assert [float(w.ravel()[0]) for w in model.get_weights()] == [0, 2, 1, 3]


def with_header(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


HOSTILE = {
    "a length beyond the file": with_header({}, length=2**63),
    "a length beyond the header": with_header({"a": entry()}, b"12345678", length=1000),
    "no json": with_header(b"{nothing"),
    "too deep": with_header(b'{"a":' * 100_000),
    "data that are missing": with_header({"a": entry()}),
    "data that nothing names": with_header({"a": entry()}, bytes(100)),
    "places that overlap": with_header({"a": entry(), "b": entry(offsets=(4, 12))}, bytes(12)),
    "places that go back": with_header({"a": entry(offsets=(8, 0))}, bytes(8)),
    "a shape below zero": with_header({"a": entry(shape=(-2,))}, bytes(8)),
    "a shape that is too large": with_header({"a": entry(shape=(2**40, 2**40))}, bytes(8)),
    "an unknown dtype": with_header({"a": entry(dtype="O")}, bytes(8)),
    "no numbers at all": with_header([1, 2]),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_headers_are_refused(tmp_path, content):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="bad.safetensors"):
        dense().load_weights(path)


def test_what_no_weight_has_and_newer_formats_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(with_header({"a": entry("F8_E8M0", offsets=(0, 2))}, bytes(2)))
    with pytest.raises(IncompatibleFileError, match="F8_E8M0"):
        dense().load_weights(path)
    path.write_bytes(with_header({"__metadata__": {"fkeras_format": "2"}}))
    with pytest.raises(IncompatibleFileError, match="newer fkeras"):
        dense().load_weights(path)


def test_whole_models_have_other_names(tmp_path):
    with pytest.raises(UserInputError, match="name for weights alone"):
        dense().save(tmp_path / "model.safetensors")


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ImportError, match=r"fkeras\[safetensors\]"):
        dense().save_weights(tmp_path / "model.safetensors")
    (tmp_path / "x.safetensors").write_bytes(with_header({}))
    with pytest.raises(ImportError, match=r"fkeras\[safetensors\]"):
        dense().load_weights(tmp_path / "x.safetensors")
