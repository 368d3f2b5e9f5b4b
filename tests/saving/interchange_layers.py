"""Models of one layer each."""

from tests.layers.test_contract import ROWS

IMAGE_SEQUENCE = (2, 3, 6, 6, 2)
MORE_LAYERS = [
    ("Embedding", {"input_dim": 7, "output_dim": 3}, [(2, 5)]),
    ("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3}, [(2, 5)]),
    ("Masking", {"mask_value": 2.0}, [(2, 5, 3)]),
    ("SimpleRNN", {"units": 3, "return_sequences": True}, [(2, 5, 3)]),
    ("LSTM", {"units": 3, "unit_forget_bias": False}, [(2, 5, 3)]),
    ("GRU", {"units": 3, "go_backwards": True}, [(2, 5, 3)]),
    ("ConvLSTM1D", {"filters": 2, "kernel_size": 3}, [(2, 3, 6, 2)]),
    ("ConvLSTM2D", {"filters": 2, "kernel_size": 3}, [IMAGE_SEQUENCE]),
    ("Attention", {"use_scale": True, "score_mode": "concat"}, [(2, 5, 3), (2, 4, 3)]),
    ("AdditiveAttention", {}, [(2, 5, 3), (2, 4, 3)]),
]


def layer_models():
    """(name, function (K) -> model) for each layer by itself."""
    rows = [(cls, options, shapes) for cls, options, shapes, _ in ROWS] + MORE_LAYERS
    # Files hold the sum of weight and adapters, not what `get_weights` gives: see `test_low_rank`.
    rows = [row for row in rows if "lora_rank" not in row[1]]
    for number, (cls, options, shapes) in enumerate(rows):

        def build(K, cls=cls, options=options, shapes=shapes):
            inputs = [K.Input(shape[1:], name=f"x{i}") for i, shape in enumerate(shapes)]
            layer = getattr(K.layers, cls)(**options)
            return K.Model(inputs, layer(inputs if len(inputs) > 1 else inputs[0]))

        yield f"{number:03d}_{cls}", build
