"""`keras.datasets`: small data sets for examples. A table of contents."""

from typing import TYPE_CHECKING

from fkeras.core import namespaces
from fkeras.datasets import boston_housing as boston_housing
from fkeras.datasets import california_housing as california_housing
from fkeras.datasets import cifar10 as cifar10
from fkeras.datasets import cifar100 as cifar100
from fkeras.datasets import fashion_mnist as fashion_mnist
from fkeras.datasets import imdb as imdb
from fkeras.datasets import mnist as mnist
from fkeras.datasets import reuters as reuters

if not TYPE_CHECKING:  # a checker must see that other names do not exist
    __getattr__, __dir__ = namespaces.of(
        __name__,
        submodules=(
            "boston_housing",
            "california_housing",
            "cifar10",
            "cifar100",
            "fashion_mnist",
            "imdb",
            "mnist",
            "reuters",
        ),
    )
