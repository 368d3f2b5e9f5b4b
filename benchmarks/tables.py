"""Markdown tables."""


def table(columns, rows, words) -> str:
    """A table whose first `words` columns are text, the others numbers. A row may be short: the
    rest of it is empty.
    """
    lines = [
        columns,
        ["---"] * words + ["---:"] * (len(columns) - words),
        *([*row, *[""] * (len(columns) - len(row))] for row in rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
