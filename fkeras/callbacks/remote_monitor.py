"""`RemoteMonitor`: the results of each epoch, sent to a server."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Any

import numpy as np

from fkeras.callbacks.callback import Callback
from fkeras.core.warn_once import warn_user
from fkeras.errors import UserInputError

# A server that hangs must not hold the training up for ever.
_SECONDS_TO_WAIT = 10


class RemoteMonitor(Callback):
    """Sends the results of each epoch to a server, as a POST of JSON.

    A server that cannot be reached, or does not answer within 10 seconds, is a warning; what it
    answers is not looked at.

    Args:
        root: address of the server, with `http://` or `https://`.
        path: what follows the root.
        field: name of the form's field that holds the JSON; without effect with `send_as_json`.
        headers: dict of further headers of the request.
        send_as_json: whether the JSON is the whole body, as `application/json`. False: a form.

    Raises:
        UserInputError: for a root that is no address of a web server.

    Examples:
        >>> import fkeras
        >>> monitor = fkeras.callbacks.RemoteMonitor("http://localhost:9000", send_as_json=True)
        >>> monitor.root + monitor.path
        'http://localhost:9000/publish/epoch/end/'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not str(root).lower().startswith(("http://", "https://")):
            raise UserInputError(
                "RemoteMonitor: `root` must begin with 'http://' or 'https://', such as "
                f"'http://localhost:9000'. Received: {root!r}"
            )
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        results = {name: _plain(value) for name, value in (logs or {}).items()}
        text = json.dumps({"epoch": epoch, **results})
        if self.send_as_json:
            kind, body = "application/json", text
        else:
            kind, body = (
                "application/x-www-form-urlencoded",
                urllib.parse.urlencode({self.field: text}),
            )
        try:
            request = urllib.request.Request(
                self.root + self.path,
                data=body.encode(),
                headers={"Content-Type": kind, **(self.headers or {})},
                method="POST",
            )
            urllib.request.urlopen(request, timeout=_SECONDS_TO_WAIT).close()
        except urllib.error.HTTPError as answer:  # the server was reached, and has its reasons
            answer.close()
        except (OSError, HTTPException, ValueError) as error:
            warn_user(f"Could not reach RemoteMonitor root server at {self.root}: {error}")


def _plain(value: Any) -> Any:
    """A number or list of Python's for an array."""
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    return np.asarray(value).tolist()
