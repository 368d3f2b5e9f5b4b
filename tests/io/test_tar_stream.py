import io
import tarfile

import pytest

from fkeras.errors import ArchiveError
from fkeras.io.tar_stream import LimitedStream, StrictHeader

HEADER = tarfile.TarInfo("digits").tobuf()


def read_header(data):
    return StrictHeader.frombuf(data, "utf-8", "strict")


def test_a_stream_gives_its_bytes_up_to_the_limit(tmp_path):
    stream = LimitedStream(io.BytesIO(b"12345678"), tmp_path / "a.tar", 8)
    assert [stream.read(5), stream.read(5), stream.read(5)] == [b"12345", b"678", b""]


def test_a_stream_past_the_limit_is_an_error_with_the_archive(tmp_path):
    stream = LimitedStream(io.BytesIO(b"12345678"), tmp_path / "a.tar", 7)
    assert stream.read(7) == b"1234567"
    with pytest.raises(ArchiveError, match=r"a\.tar' was not extracted: more than the 7 bytes"):
        stream.read(1)


def test_a_good_header_is_read():
    assert read_header(HEADER).name == "digits"


def test_an_empty_block_is_the_end_of_the_archive():
    with pytest.raises(tarfile.HeaderError):
        read_header(bytes(512))


@pytest.mark.parametrize("data", [b"", HEADER[:100], b"x" + HEADER[1:], b"x" * 512])
def test_what_is_neither_a_header_nor_the_end_is_damage(data):
    with pytest.raises(tarfile.ReadError, match="before the mark of the end"):
        read_header(data)
