"""Addresses that files are downloaded from."""

import re
import urllib.parse

from fkeras.errors import UserInputError
from fkeras.io.paths import reason_to_refuse

SCHEMES = ("http", "https", "file")
REMOTE_SCHEMES = ("http", "https")

_USER = re.compile(r"//[^/]*@")  # with a password, which belongs in no log
_PRINTABLE_ASCII = re.compile(r"[!-~]+")


def check_url(url: str) -> None:
    """Refuses an address that nothing should be downloaded from.

    Args:
        url: the address.

    Raises:
        UserInputError: a scheme other than http, https and file, no host, a name and password, or
            characters that an address does not have.

    Examples:
        >>> from fkeras.io import check_url
        >>> check_url("ftp://files.example/digits.npz")
        Traceback (most recent call last):
        ...
        fkeras.errors.UserInputError: Cannot download 'ftp://files.example/digits.npz': its scheme
        is 'ftp'. Expected an address that begins with http://, https:// or file://.
    """
    reason = _reason(url)
    if reason:
        shown = _USER.sub("//", url)
        raise UserInputError(f"Cannot download {shown!r}: {reason}")


def file_name_in(url: str) -> str:
    """The name that a file has at its address, to keep it under.

    Args:
        url: the address. What follows a `?` or `#` does not count.

    Returns:
        A name without folders, that stays in the folder which it is joined to.

    Raises:
        UserInputError: the address ends in no such name.

    Examples:
        >>> from fkeras.io import file_name_in
        >>> file_name_in("https://files.example/data/digits.npz?version=2")
        'digits.npz'
    """
    name = urllib.parse.urlsplit(url).path.rpartition("/")[2]
    if name in ("", ".") or reason_to_refuse(name):
        raise UserInputError(
            f"The address {url!r} does not end in the name of a file. Pass a name to keep the file "
            "under."
        )
    return name


def origin_of(url: str) -> tuple[str, str]:
    """Scheme and host with port: what a secret in a request's headers was meant for.

    Args:
        url: the address.

    Examples:
        >>> from fkeras.io.urls import origin_of
        >>> origin_of("https://files.example:8080/digits.npz")
        ('https', 'files.example:8080')
    """
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


def _reason(url: str) -> str | None:
    """Why an address is refused, and what to do; None for a good one."""
    if not _PRINTABLE_ASCII.fullmatch(url):
        return (
            "it has a space or a character outside of ASCII. Write those with `urllib.parse.quote`."
        )
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port  # only read here: a wrong one raises
    except ValueError as error:
        return f"it is not an address ({error})."
    if parts.scheme not in SCHEMES:
        return (
            f"its scheme is {parts.scheme!r}. Expected an address that begins with http://, "
            "https:// or file://."
        )
    if parts.scheme in REMOTE_SCHEMES and not parts.hostname:
        return "it has no host. Expected, for instance, 'https://host/file'."
    if parts.username is not None:
        return "it has a user's name in it. Pass an Authorization header instead."
    return None
