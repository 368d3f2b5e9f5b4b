"""Contexts in which configs are read: names of the caller, safe mode, shared objects."""

import threading

from fkeras.core import settings


class _Scoped(threading.local):
    def __init__(self):
        self.scopes: list[dict] = []
        self.safe_mode = None
        self.shared: dict | None = None


scoped = _Scoped()


class CustomObjectScope:
    """Names that count while the scope is open: `with custom_object_scope({"MyLayer": MyLayer}):`

    Args:
        custom_objects: dict from names to classes or functions.
    """

    def __init__(self, custom_objects):
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self):
        scoped.scopes.append(self.custom_objects)
        return self

    def __exit__(self, *exc):
        scoped.scopes.remove(self.custom_objects)


custom_object_scope = CustomObjectScope


class SafeModeScope:
    """Whether code found in a config may be revived: only ever set by the caller, never by a
    file.
    """

    def __init__(self, safe_mode=True):
        self.safe_mode = safe_mode

    def __enter__(self):
        self.outer, scoped.safe_mode = scoped.safe_mode, self.safe_mode

    def __exit__(self, *exc):
        scoped.safe_mode = self.outer


def in_safe_mode() -> bool:
    if scoped.safe_mode is not None:
        return scoped.safe_mode
    return not settings.get("unsafe_deserialization")


class ObjectSharingScope:
    """Inside it, one object serialised twice becomes one object again."""

    def __enter__(self):
        self.outer, scoped.shared = (
            scoped.shared,
            scoped.shared if scoped.shared is not None else {},
        )
        return scoped.shared

    def __exit__(self, *exc):
        scoped.shared = self.outer
