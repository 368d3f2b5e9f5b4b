import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import jax.numpy as jnp
import numpy as np
import pytest

import fkeras
from fkeras.callbacks import RemoteMonitor
from fkeras.errors import UserInputError

LOGS = {"loss": np.float32(0.5), "mae": jnp.asarray(2.0), "val_loss": np.array([0.25]), "f1": 1.5}
SENT = {"epoch": 3, "loss": 0.5, "mae": 2.0, "val_loss": [0.25], "f1": 1.5}


@pytest.fixture
def server(monkeypatch):
    """A server on this machine: its address, and a list of (path, headers, body) of requests."""
    monkeypatch.setenv("no_proxy", "*")
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, self.headers, body))
            self.send_response(500 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    running = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", received
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_form_and_json_with_headers(server):
    address, received = server
    RemoteMonitor(address).on_epoch_end(3, LOGS)
    RemoteMonitor(address, "/here", "payload", {"X-Key": "k"}).on_epoch_end(3, LOGS)
    RemoteMonitor(address, headers={"X-Key": "k"}, send_as_json=True).on_epoch_end(3, LOGS)
    assert [path for path, _, _ in received] == ["/publish/epoch/end/", "/here"] + [
        "/publish/epoch/end/"
    ]
    forms = [urllib.parse.parse_qs(body) for _, _, body in received[:2]]
    assert json.loads(forms[0]["data"][0]) == json.loads(forms[1]["payload"][0]) == SENT
    assert json.loads(received[2][2]) == SENT
    assert [headers["X-Key"] for _, headers, _ in received] == [None, "k", "k"]
    assert [headers["Content-Type"].rsplit("/")[-1] for _, headers, _ in received] == [
        "x-www-form-urlencoded",
        "x-www-form-urlencoded",
        "json",
    ]


def test_in_fit(server):
    address, received = server
    model = fkeras.Sequential([fkeras.Input((2,)), fkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    monitor = RemoteMonitor(address, send_as_json=True)
    history = model.fit(x, x[:, :1], epochs=2, callbacks=[monitor], verbose=0).history
    sent = [json.loads(body) for _, _, body in received]
    assert sent == [{"epoch": i, "loss": loss} for i, loss in enumerate(history["loss"])]


def test_who_cannot_be_reached_is_a_warning(server):
    address, received = server
    RemoteMonitor(address, "/broken").on_epoch_end(0)  # was reached: no warning
    assert len(received) == 1
    for root in ("http://127.0.0.1:1", "http://127.0.0.1:port"):
        with pytest.warns(
            UserWarning, match=f"Could not reach RemoteMonitor root server at {root}"
        ):
            RemoteMonitor(root).on_epoch_end(0, LOGS)


@pytest.mark.parametrize("root", ["localhost:9000", "file:///tmp", ""])
def test_an_address_that_is_none(root):
    with pytest.raises(UserInputError, match="root"):
        RemoteMonitor(root)
