"""Nested lists, tuples and dicts: what is done at each leaf of them."""


def map_structure(fn, structure):
    """`fn` at each leaf of nested lists, tuples (named too) and dicts; None is a leaf that stays
    None.
    """
    if isinstance(structure, dict):
        made = [(k, map_structure(fn, v)) for k, v in structure.items()]
        return dict(made) if type(structure) is dict else type(structure)(made)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(map_structure(fn, v) for v in structure))
    if isinstance(structure, (list, tuple)):
        made = [map_structure(fn, v) for v in structure]
        return made if isinstance(structure, list) else tuple(made)
    return None if structure is None else fn(structure)


def flatten(structure) -> list:
    """All leaves of nested lists, tuples and dicts (dict entries sorted by key where they can be),
    without None.
    """
    out: list = []
    _collect(structure, out)
    return out


def _collect(structure, out):
    if isinstance(structure, dict):
        try:
            keys = sorted(structure)
        except TypeError:
            keys = list(structure)
        for k in keys:
            _collect(structure[k], out)
    elif isinstance(structure, (list, tuple)):
        for v in structure:
            _collect(v, out)
    elif structure is not None:
        out.append(structure)


def sorted_like_flatten(structure):
    """The structure with dicts in the order in which `flatten` visits them."""
    if isinstance(structure, dict):
        try:
            keys = sorted(structure)
        except TypeError:
            keys = list(structure)
        made = [(k, sorted_like_flatten(structure[k])) for k in keys]
        return dict(made) if type(structure) is dict else type(structure)(made)
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(sorted_like_flatten(v) for v in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(sorted_like_flatten(v) for v in structure)
    return structure
