"""Small colour photographs of a hundred kinds."""

from typing import Literal

from fkeras.datasets.cifar import in_data_format, read_batch
from fkeras.datasets.sources import fetch
from fkeras.datasets.splitting import Split
from fkeras.errors import UserInputError


def load_data(label_mode: Literal["fine", "coarse"] = "fine") -> Split:
    """Loads CIFAR-100: 60,000 colour images of 100 classes in 20 groups, 32 x 32 pixels each.

    Args:
        label_mode: 'fine' for the 100 classes, 'coarse' for the 20 groups.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: 50,000 and 10,000 uint8 images of shape
        (rows, 32, 32, 3), or (rows, 3, 32, 32) with channels first, and integer classes of shape
        (rows, 1).

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached.
    """
    if label_mode not in ("fine", "coarse"):
        raise UserInputError(
            '`label_mode` must be one of `"fine"`, `"coarse"`. '
            f"Received: label_mode={label_mode!r}."
        )
    folder = fetch("cifar100") / "cifar-100-python"
    train, test = (read_batch(folder / part, f"{label_mode}_labels") for part in ("train", "test"))
    return (in_data_format(train[0]), train[1]), (in_data_format(test[0]), test[1])
