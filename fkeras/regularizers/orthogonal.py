"""A penalty on weights that point the same way."""

from fkeras import ops
from fkeras.errors import UserInputError
from fkeras.regularizers.regularizer import Regularizer, validate_float_arg


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between two different rows (or columns) of a matrix.

    Args:
        factor: 0 or more.
        mode: `'rows'` or `'columns'`: which are to be orthogonal.

    Examples:
        >>> float(OrthogonalRegularizer(1.0)(ops.array([[1.0, 0.0], [0.0, 5.0]])))
        0.0
    """

    def __init__(self, factor=0.01, mode="rows"):
        if mode not in ("rows", "columns"):
            raise UserInputError(f"Invalid value for argument `mode`. Expected one of 'rows', 'columns'. Received: mode={mode!r}")
        self.factor, self.mode = validate_float_arg(factor, "factor"), mode

    def __call__(self, inputs):
        inputs = ops.convert_to_tensor(inputs)
        if len(inputs.shape) != 2:
            raise UserInputError(f"Inputs to OrthogonalRegularizer must have rank 2. Received: inputs.shape={tuple(inputs.shape)}")
        vectors = inputs if self.mode == "rows" else ops.transpose(inputs)
        size = vectors.shape[0]
        vectors = ops.normalize(vectors, axis=1)
        cosines = ops.matmul(vectors, ops.transpose(vectors))
        others = cosines * (1.0 - ops.eye(size, dtype=cosines.dtype))
        # Each pair stands twice in the matrix. One vector has no pair and no penalty.
        return self.factor * ops.sum(ops.absolute(others)) / max(size * (size - 1), 1)

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}
