"""Files of adapters: what lies in them. What goes through them: `tests/models/test_adapting.py`."""

import numpy as np
import pytest

import fkeras
from fkeras import layers
from fkeras.errors import IncompatibleFileError
from fkeras.saving import adapters
from fkeras.saving.formats.safetensors import SafetensorsFile
from fkeras.saving.record import ModelRecord

library = pytest.importorskip("safetensors.numpy")


def stack(rank=None):
    block = layers.Dense(4, name="dense", lora_rank=rank)
    return fkeras.Sequential(
        [fkeras.Input((4,)), layers.Repeat(block, 2, name="stack"), layers.Dense(1, name="head")]
    )


def test_a_file_has_two_adapters_and_alpha_for_each_layer_and_block(tmp_path):
    adapters.save_adapters(stack(rank=2), tmp_path / "adapters.safetensors")
    arrays = library.load_file(tmp_path / "adapters.safetensors")
    assert {name: array.shape for name, array in sorted(arrays.items())} == {
        f"stack/blocks_{i}/{name}": shape
        for i in range(2)
        for name, shape in {
            "lora_alpha": (),
            "lora_kernel_a": (4, 2),
            "lora_kernel_b": (2, 4),
        }.items()
    }
    plain = stack()
    adapters.load_adapters(plain, tmp_path / "adapters.safetensors")
    layer = plain.layers[0].block
    for i in range(2):
        for letter in "ab":
            np.testing.assert_array_equal(
                arrays[f"stack/blocks_{i}/lora_kernel_{letter}"],
                getattr(layer, f"lora_kernel_{letter}").value[i],
            )


@pytest.mark.parametrize(
    "changes, problem",
    [
        ({"stack/blocks_1/lora_alpha": np.float64(3)}, "blocks_1: rank or alpha differ from those"),
        ({"stack/blocks_1/lora_kernel_a": np.ones((4, 1), "float32")}, r"file \(4, 1\) and"),
        ({"stack/blocks_0/lora_alpha": np.float64(np.nan)}, "blocks_0: `lora_alpha` is nan"),
        ({"stack/blocks_0/lora_alpha": None}, "blocks_0/lora_kernel_a: file .* not in the model"),
        ({"stack/blocks_0/lora_kernel_b": np.ones((), "float32")}, r"file \(4, 2\) and \(\)"),
        ({"other": np.ones(2, "float32")}, r"other: file \(2,\), not in the model"),
    ],
    ids=["alpha", "rank", "nan", "half", "scalar", "surplus"],
)
def test_files_that_were_tampered_with_set_nothing(tmp_path, changes, problem):
    path = tmp_path / "adapters.safetensors"
    adapters.save_adapters(stack(rank=2), path)
    arrays = {**SafetensorsFile().read(path).weights, **changes}
    present = {name: np.asarray(array) for name, array in arrays.items() if array is not None}
    SafetensorsFile().write(ModelRecord(present), path)
    plain = stack()
    with pytest.raises(IncompatibleFileError, match=problem):
        adapters.load_adapters(plain, path)
    assert not plain.layers[0].block.lora_enabled
