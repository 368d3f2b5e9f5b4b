"""One request for a file, and the answer: by http, https, or from this computer by file.

urllib does the work. Every failure comes out as one kind of error that says whether trying again
can help.
"""

import contextlib
import dataclasses
import email.message
import http.client
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator, Mapping
from typing import IO

from fkeras.io.urls import REMOTE_SCHEMES, origin_of

_CHUNK = 2**18
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_SECRETS = ("Authorization", "Cookie", "Proxy-authorization")  # as urllib capitalizes them
# Text is urllib's own refusal; the others are of a certificate and of a file of this computer.
_PERMANENT = (str, ssl.SSLCertVerificationError, FileNotFoundError, PermissionError)
_WORTH_ANOTHER_TRY = (408, 425, 429, 500, 502, 503, 504)


class TransferError(Exception):
    """A request that failed.

    Args:
        reason: what happened, a clause.
        advice: what to do, a sentence.
        permanent: whether trying again is useless.
    """

    def __init__(self, reason: str, advice: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason, self.advice, self.permanent = reason, advice, permanent


class RangeNotSatisfiableError(TransferError):
    """The server has fewer bytes than it was asked to leave out."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a server sends.

    Args:
        stream: the bytes.
        start: how many bytes of the file come before the first one of the stream.
        size: of the whole file, in bytes; None where the server does not say.
        validator: a word that changes when the file does; None where the server has none.
    """

    stream: IO[bytes]
    start: int
    size: int | None
    validator: str | None

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces.

        Raises:
            TransferError: the connection ended or fell silent.
        """
        while chunk := self._read():
            yield chunk

    def _read(self) -> bytes:
        with _failures_named():
            return self.stream.read(_CHUNK)


@contextlib.contextmanager
def requesting(
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: float,
    start: int = 0,
    validator: str | None = None,
) -> Generator[Answer, None, None]:
    """Asks for a file, or for the rest of it, and closes the connection in the end.

    Args:
        url: the address, already checked.
        headers: to send along. Secrets among them do not follow a redirect to another host.
        timeout: seconds of silence until the server counts as lost.
        start: bytes to leave out; the answer says whether the server did that.
        validator: the one of the file whose first bytes are there already; the server sends
            everything if it is another now.

    Yields:
        The answer.

    Raises:
        RangeNotSatisfiableError: the file has no more than `start` bytes.
        TransferError: any other failure.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "fkeras", **headers})
    if start and validator:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", validator)
    with _failures_named():
        response = urllib.request.build_opener(_Redirects).open(request, timeout=timeout)
    with response:
        yield _answer(response, response.status, response.headers)


def _answer(stream: IO[bytes], status: int | None, headers: email.message.Message) -> Answer:
    """Reads what the headers say; `status` is None for a file of this computer."""
    validator = _validator(headers)
    if status == http.HTTPStatus.PARTIAL_CONTENT:
        found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if found is None:
            raise TransferError(
                "the server sent a part of the file without saying which",
                "Remove the '.part' file, so that all of it is asked for.",
                permanent=True,
            )
        return Answer(stream, int(found[1]), int(found[2]), validator)
    length = headers.get("Content-Length", "")
    return Answer(stream, 0, int(length) if length.isdecimal() else None, validator)


def _validator(headers: email.message.Message) -> str | None:
    """The ETag, unless it is weak: equal weak ones do not promise equal bytes. Else the date."""
    etag = headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return etag
    return headers.get("Last-Modified")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https only: a server must not make us read local files. (urllib
    itself refuses `file:`, and this one what is left.)
    """

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = origin_of(newurl)[0]
        if scheme not in REMOTE_SCHEMES:
            fp.close()
            raise _forbidden_redirect(newurl)
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        if request is not None and origin_of(newurl) != origin_of(req.full_url):
            for name in _SECRETS:
                request.remove_header(name)
        return request


def _forbidden_redirect(target: str) -> TransferError:
    return TransferError(
        f"the server redirects to '{target}', which is neither http nor https",
        "Do not trust this server; use another address.",
        permanent=True,
    )


@contextlib.contextmanager
def _failures_named() -> Generator[None, None, None]:
    """Turns what urllib and sockets raise into a `TransferError`."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise _of_status(error) from error
    except urllib.error.URLError as error:
        permanent = isinstance(error.reason, _PERMANENT)
        raise _unreachable(f"it was not reached ({error.reason})", permanent=permanent) from error
    except TimeoutError as error:
        raise _unreachable("the server fell silent", permanent=False) from error
    except (OSError, http.client.HTTPException) as error:
        named = f"the connection broke ({type(error).__name__}: {error})"
        raise _unreachable(named, permanent=False) from error


def _unreachable(reason: str, *, permanent: bool) -> TransferError:
    return TransferError(
        reason, "Check the address and your connection, then try again.", permanent=permanent
    )


def _of_status(error: urllib.error.HTTPError) -> TransferError:
    """What a status means for the user."""
    reason = f"the server answered {error.code} ({error.reason})"
    if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return RangeNotSatisfiableError(reason, "Try again.", permanent=False)
    if 300 <= error.code < 400:
        # urllib's own refusal: of a scheme, or of more than ten redirects.
        return TransferError(
            reason, "Do not trust this server; use another address.", permanent=True
        )
    if error.code in (401, 403):
        advice = "Check whether it needs a login, and pass that with `headers`."
    elif error.code in (404, 410):
        advice = "The file is not there any more; look for its new address."
    else:
        advice = "Try again later."
    return TransferError(reason, advice, permanent=error.code not in _WORTH_ANOTHER_TRY)
