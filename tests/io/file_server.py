"""A small server on this computer that misbehaves as it is asked to."""

import contextlib
import dataclasses
import http.server
import re
import threading

import pytest


@dataclasses.dataclass
class Page:
    """What the server has at one address, and how it behaves there."""

    data: bytes = b""
    etag: str | None = '"first"'
    has_ranges: bool = True
    has_length: bool = True
    # One for each request, the last one for all further ones: bytes after which the connection
    # drops, or None to send everything.
    drops: list[int | None] = dataclasses.field(default_factory=lambda: [None])
    # The same for the status; 200 sends the data.
    statuses: list[int] = dataclasses.field(default_factory=lambda: [200])
    location: str = ""
    waits: bool = False  # whether nothing is sent until the server is released
    wrong_range: str = ""


class FileServer(http.server.ThreadingHTTPServer):
    """Pages by path, and the requests that came."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.released = threading.Event()
        self.lock = threading.Lock()

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.server_port}{path}"

    def add(self, path, data=b"", **behaviour):
        self.pages[path] = Page(data, **behaviour)
        return self.url(path)

    def ranges(self):
        """The ranges that were asked for, in order; None where all was."""
        return [headers.get("Range") for _, headers in self.requests]


class _Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        page = self.server.pages.get(self.path)
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers)))
            if page is None:
                return self.send_error(404)
            status = page.statuses.pop(0) if len(page.statuses) > 1 else page.statuses[0]
            drop = page.drops.pop(0) if len(page.drops) > 1 else page.drops[0]
        if page.waits:
            self.server.released.wait(600)
        if status != 200:
            return self._send_head(status, {"Location": page.location, "Content-Length": "0"})
        return self._send_page(page, drop)

    def _send_page(self, page, drop):
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (None, page.etag)
        start = int(wanted[1]) if wanted and same and page.has_ranges else 0
        total = len(page.data)
        if start >= total > 0:
            return self._send_head(416, {"Content-Range": f"bytes */{total}"})
        headers = {"ETag": page.etag} if page.etag else {}
        if page.has_length:
            headers["Content-Length"] = str(total - start)
        if start:
            headers["Content-Range"] = page.wrong_range or f"bytes {start}-{total - 1}/{total}"
        self._send_head(206 if start else 200, headers)
        with contextlib.suppress(ConnectionError):  # nobody listens any more
            self.wfile.write(page.data[start:drop])
        return None

    def _send_head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()
