"""Where messages for the user of a terminal go, and how many there are: to standard output, or to
the log where interactive logging is off.
"""

from __future__ import annotations

import logging
import sys

import jax

from fkeras.core import settings


def auto_verbosity() -> int:
    """What `verbose='auto'` means: a progress bar (1), or one line an epoch (2) where interactive
    logging is off.
    """
    return 1 if settings.get("interactive_logging") else 2


def prints_here() -> bool:
    """Whether this process writes to the terminal: of several, the first one does."""
    return jax.process_index() == 0


def write(text: str, end: str = "\n") -> None:
    """Writes a text as it is and makes it visible at once; of several processes the first does."""
    if not prints_here():
        return
    if not settings.get("interactive_logging"):
        logging.getLogger("fkeras").info(text.strip("\r\n"))
        return
    stream = sys.stdout
    try:
        stream.write(text + end)
    except UnicodeEncodeError:  # a terminal without the character of the bar
        encoding = stream.encoding or "ascii"
        stream.write((text + end).replace("━", "=").encode(encoding, "replace").decode(encoding))
    stream.flush()
