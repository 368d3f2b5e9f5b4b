"""Tables and spaces that encode them, for the tests and for `freeze_feature_space.py`."""

TABLE = {
    "age": [0.5, 1.5, -2.0, 3.25, 0.5, 10.0],
    "fare": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "town": ["Bern", "Genoa", "Bern", "Lyon", "Genoa", "Bern"],
    "ship": ["a", "bb", "", "a", "ccc", "ü"],
    "rooms": [1, 2, 2, 7, 2, 1],
    "code": [100, -5, 0, 7, 100, 8],
}
# Values that `adapt` did not see.
OTHER = {
    "age": [0.0, 100.0],
    "fare": [-1.0, 3.5],
    "town": ["Rome", "Lyon"],
    "ship": ["new", "a"],
    "rooms": [9, 7],
    "code": [-1, 100],
}


def spaces(library):
    """The spaces by name.

    Args:
        library: keras or fkeras.
    """
    space = library.utils.FeatureSpace
    kinds = {
        "age": "float_normalized",
        "fare": "float",
        "town": "string_categorical",
        "ship": "string_hashed",
        "rooms": "integer_categorical",
        "code": "integer_hashed",
    }
    return {
        "all kinds by name": space(
            kinds, crosses=[("town", "rooms")], crossing_dim=5, hashing_dim=4
        ),
        "bins by name": space({"age": "float_discretized"}, num_discretization_bins=3),
        "options": space(
            {
                "age": space.float_rescaled(scale=0.5, offset=1.0),
                "fare": space.float_discretized(4),
                "town": space.string_categorical(max_tokens=3, num_oov_indices=1),
                "rooms": space.integer_categorical(num_oov_indices=2),
                "ship": space.string_hashed(num_bins=3),
                "code": space.integer_hashed(num_bins=6),
            },
            crosses=[space.cross(("ship", "code"), crossing_dim=8)],
        ),
        "ids in a dict": space(
            {
                "fare": space.float_discretized(3, output_mode="int"),
                "town": space.string_categorical(output_mode="int"),
                "rooms": space.integer_categorical(output_mode="int"),
                "ship": space.string_hashed(num_bins=3, output_mode="int"),
                "age": "float",
            },
            crosses=[space.cross(("town", "rooms"), crossing_dim=9, output_mode="int")],
            output_mode="dict",
        ),
        "bins crossed": space(
            {"fare": space.float_discretized(3), "town": "string_categorical"},
            crosses=[("fare", "town")],
            crossing_dim=6,
        ),
        "a layer of one's own": space(
            {
                "rooms": space.feature(
                    "int32", library.layers.CategoryEncoding(num_tokens=10), "float"
                ),
                "age": "float",
            }
        ),
        "texts": space(
            {
                "town": space.feature(
                    "string", library.layers.TextVectorization(output_mode="tf_idf"), "float"
                ),
            }
        ),
    }
