"""Where messages for the user of a terminal go: to standard output, or to the log where interactive
logging is off.
"""

import logging
import sys

from fkeras.core import settings


def write(text: str, end: str = "\n") -> None:
    """Writes a text as it is and makes it visible at once."""
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
