import pytest

from fkeras.errors import UserInputError
from fkeras.io import check_url, file_name_in
from fkeras.io.urls import origin_of


@pytest.mark.parametrize(
    "url",
    [
        "http://files.example/a",
        "HTTPS://files.example:8080/a%20b?c=d#e",
        "https://[::1]/a",
        "file:///a/b",
    ],
)
def test_addresses_of_files_are_accepted(url):
    check_url(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://files.example/a", "scheme is 'ftp'"),
        ("data:,a", "scheme is 'data'"),
        ("/a/b", "scheme is ''"),
        ("C:/a", "scheme is 'c'"),
        ("", "space or a character outside"),
        ("https:///a", "no host"),
        ("https://files.example/a b", "urllib.parse.quote"),
        ("https://files.example/für", "urllib.parse.quote"),
        ("https://files.example/a\r\nHost: b", "space or a character outside"),
        ("https://user:secret@files.example/a", "Authorization header"),
        ("https://files.example:port/a", "not an address"),
        ("https://[::1/a", "not an address"),
    ],
)
def test_other_addresses_are_refused_with_the_reason(url, reason):
    with pytest.raises(UserInputError, match="Cannot download") as caught:
        check_url(url)
    assert reason in str(caught.value)


def test_a_password_is_not_repeated_in_the_error():
    with pytest.raises(UserInputError) as caught:
        check_url("https://user:secret@files.example/a")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://files.example/a/digits.npz", "digits.npz"),
        ("https://files.example/a/digits.npz?b=/c#/d", "digits.npz"),
        ("file:///a/digits", "digits"),
    ],
)
def test_the_name_is_the_last_part_of_the_path(url, name):
    assert file_name_in(url) == name


@pytest.mark.parametrize("path", ["", "/", "/a/", "/a/.", "/a/..", "/C:", "/C:a", "/a\\b"])
def test_an_address_without_a_safe_name_is_refused(path):
    with pytest.raises(UserInputError, match="Pass a name"):
        file_name_in(f"https://files.example{path}")


def test_origins_differ_by_scheme_host_and_port():
    urls = ["http://a/x", "https://a/x", "http://b/x", "http://a:81/x"]
    assert len({origin_of(url) for url in urls}) == 4
    assert origin_of("http://a/x") == origin_of("http://a/y?z")
