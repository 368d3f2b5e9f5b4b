"""What a notebook shows as HTML, where the code runs in one: in an IPython kernel (Jupyter,
JupyterLab, Colab, VS Code) whose cells take what is written to standard output.

IPython is never imported first: a kernel has it.
"""

from __future__ import annotations

import sys
from typing import Any

# Text of the notebook's code, at its size; what is no font of the page's is the browser's.
_STYLE = (
    "font-family: var(--jp-code-font-family, monospace); "
    "font-size: var(--jp-code-font-size, 13px); white-space: pre-wrap;"
)


def is_shown() -> bool:
    """Whether what is displayed now appears below a notebook's cell.

    False in terminals, and while standard output is sent elsewhere (`redirect_stdout`, `%%capture`,
    pytest): text goes there.
    """
    return type(sys.stdout).__module__ == "ipykernel.iostream" and _shell() is not None


class Area:
    """A place in the notebook's output. What it holds is replaced, so that it stays one output.

    Its notebook keeps the last content, as HTML and as the text that other readers show.
    """

    def __init__(self) -> None:
        self._handle: Any = None  # the first content makes the place

    def show(self, html: str, text: str) -> None:
        """Shows a content in place of the last one.

        Args:
            html: the content; what came from users is escaped by the caller.
            text: the same for readers that show no HTML.
        """
        content = {"text/html": f'<div style="{_STYLE}">{html}</div>', "text/plain": text}
        if self._handle is None:
            self._handle = sys.modules["IPython"].display.display(
                content, raw=True, display_id=True
            )
        else:
            self._handle.update(content, raw=True)


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return None if getattr(shell, "kernel", None) is None else shell
