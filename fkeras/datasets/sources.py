"""Where the data sets come from: the one table of addresses and digests.

Files go where Keras puts them, under Keras's names, so that those which are there already are used.
"""

import dataclasses
import os
import shutil
from pathlib import Path

from fkeras.downloads import get_file
from fkeras.io import entry_path, matches_digest
from fkeras.io.paths import FilePath

KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
TORONTO = "https://www.cs.toronto.edu/~kriz"


@dataclasses.dataclass(frozen=True)
class Source:
    """A file of a data set.

    Args:
        url: its address.
        digest: SHA-256 or MD5 of its content, as Keras publishes it; None where Keras does not.
        folder: of the cache, with `/` between its parts.
        unpacked: for an archive, the name of the folder to extract it to.
        former_name: under which Keras 2 kept the file.
    """

    url: str
    digest: str | None = None
    folder: str = "datasets"
    unpacked: str | None = None
    former_name: str | None = None


def _fashion(name: str) -> Source:
    return Source(f"{KERAS}/{name}", folder="datasets/fashion-mnist")


SOURCES: dict[str, Source] = {
    "boston_housing": Source(
        f"{KERAS}/boston_housing.npz",
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    ),
    "california_housing": Source(
        f"{KERAS}/california_housing.npz",
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
    "cifar10": Source(
        f"{TORONTO}/cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        unpacked="cifar-10-batches-py-target",
        former_name="cifar-10-batches-py.tar.gz",
    ),
    "cifar100": Source(
        f"{TORONTO}/cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        unpacked="cifar-100-python-target",
        former_name="cifar-100-python.tar.gz",
    ),
    "fashion_mnist_train_images": _fashion("train-images-idx3-ubyte.gz"),
    "fashion_mnist_train_labels": _fashion("train-labels-idx1-ubyte.gz"),
    "fashion_mnist_test_images": _fashion("t10k-images-idx3-ubyte.gz"),
    "fashion_mnist_test_labels": _fashion("t10k-labels-idx1-ubyte.gz"),
    "imdb": Source(
        f"{KERAS}/imdb.npz", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
    ),
    "imdb_word_index": Source(f"{KERAS}/imdb_word_index.json", "bfafd718b763782e994055a2d397834f"),
    "mnist": Source(
        f"{KERAS}/mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
    ),
    "reuters": Source(
        f"{KERAS}/reuters.npz", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
    ),
    "reuters_word_index": Source(
        f"{KERAS}/reuters_word_index.json", "4d44cc38712099c9e383dc6e5f11a921"
    ),
}


def fetch(name: str, path: FilePath | None = None) -> Path:
    """A file of a data set, or the folder that it was extracted to; downloaded if it is not there.

    Args:
        name: in `SOURCES`.
        path: name in the folder of the cache, or an absolute path; None for the one of the address.

    Raises:
        DownloadError: the file is not in the cache, and its host cannot be reached. Says where to
            put a copy of your own.
        DigestError: what came is another file.
    """
    source = SOURCES[name]
    if source.former_name is not None:
        _take_over_former(source)
    wanted = Path(source.unpacked or path or source.url.rpartition("/")[2])
    return Path(
        get_file(
            wanted.name,
            origin=source.url,
            file_hash=source.digest,
            extract=source.unpacked is not None,
            cache_subdir=os.path.join(source.folder, wanted.parent),
        )
    )


def _take_over_former(source: Source) -> None:
    """An archive that Keras 2 downloaded serves under today's name as well."""
    former = entry_path(f"{source.folder}/{source.former_name}")
    place = entry_path(f"{source.folder}/{source.unpacked}_archive")
    if place.exists() or not former.is_file() or source.digest is None:
        return
    if matches_digest(former, source.digest):
        try:
            os.link(former, place)
        except OSError:  # a file system without links
            shutil.copyfile(former, place)
