import io
import urllib.request

import pytest

from fkeras.io.http_client import TransferError, requesting


def ask(url, **headers):
    with requesting(url, headers=headers, timeout=600) as answer:
        return b"".join(answer.chunks())


def test_redirects_are_followed(server):
    server.add("/new", b"digits")
    url = server.add("/old", statuses=[302], location="/new")
    assert ask(url) == b"digits"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_redirects_to_other_schemes_are_refused_for_good(server, tmp_path, scheme, status):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    location = secret.as_uri().replace("file:", f"{scheme}:", 1)
    url = server.add("/trap", statuses=[status], location=location)
    with pytest.raises(TransferError) as caught:
        ask(url)
    assert caught.value.permanent
    assert scheme in caught.value.reason
    assert "another address" in caught.value.advice


def test_a_circle_of_redirects_ends(server):
    url = server.add("/circle", statuses=[302], location="/circle")
    with pytest.raises(TransferError, match="302") as caught:
        ask(url)
    assert caught.value.permanent


def test_secrets_follow_redirects_to_the_same_host_only(server):
    server.add("/new", b"digits")
    near = server.add("/near", statuses=[302], location="/new")
    far = server.add("/far", statuses=[302], location=server.url("/new", host="localhost"))
    for url in (near, far):
        assert ask(url, authorization="Bearer secret", cookie="id=1") == b"digits"
    sent = [headers for path, headers in server.requests if path == "/new"]
    assert [headers.get("Authorization") for headers in sent] == ["Bearer secret", None]
    assert [headers.get("Cookie") for headers in sent] == ["id=1", None]


def test_a_part_without_saying_which_is_refused(server):
    url = server.add("/digits", b"digits", wrong_range="some bytes")
    with pytest.raises(TransferError, match="without saying which") as caught:
        with requesting(url, headers={}, timeout=600, start=3, validator='"first"'):
            pass
    assert caught.value.permanent


def test_a_connection_that_breaks_while_reading_may_be_tried_again(server, monkeypatch):
    class Broken(io.BytesIO):
        status, headers = 200, {}

        def read(self, size):
            raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", lambda *args, **kwargs: Broken())
    with pytest.raises(TransferError, match="ConnectionResetError: reset by peer") as caught:
        ask("http://files.example/digits")
    assert not caught.value.permanent
