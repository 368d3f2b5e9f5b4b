import logging

import pytest

from fkeras.core import messages, settings


class Terminal:
    """A terminal of an encoding, and what arrived there."""

    def __init__(self, encoding):
        self.encoding, self.text = encoding, ""

    def write(self, text):
        self.text += text.encode(self.encoding).decode(self.encoding)

    def flush(self):
        pass


@pytest.mark.parametrize("encoding, shown", [("utf-8", "━ ü\n"), ("ascii", "= ?\n")])
def test_a_terminal_gets_what_it_can_show(monkeypatch, encoding, shown):
    terminal = Terminal(encoding)
    monkeypatch.setattr("sys.stdout", terminal)
    messages.write("━ ü")
    assert terminal.text == shown


def test_without_interactive_logging_messages_go_to_the_log(capsys, caplog):
    settings.put("interactive_logging", False)
    with caplog.at_level(logging.INFO, "fkeras"):
        messages.write("\rFound 2 files.\n")
    assert caplog.messages == ["Found 2 files."] and capsys.readouterr().out == ""
    assert messages.auto_verbosity() == 2
