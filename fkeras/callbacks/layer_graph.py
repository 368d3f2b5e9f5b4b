"""A model's config as a graph: layers, and where their inputs come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fkeras.types import Config


def nodes_of(config: Config, prefix: str = "") -> list[tuple[str, str, list[str]]]:
    """The nodes of a sequential or functional model; models inside are opened.

    Args:
        config: what `model.to_json()` holds.
        prefix: goes before all names; of models inside it ends with their own.

    Returns:
        For each layer its name, its class, and the names of the layers before it.

    Examples:
        >>> import json, fkeras
        >>> model = fkeras.Sequential([fkeras.Input((3,)), fkeras.layers.Dense(2)])
        >>> nodes_of(json.loads(model.to_json()))[-1]
        ('dense', 'Dense', ['input_layer'])
    """
    content = config["config"]
    nodes: list[tuple[str, str, list[str]]] = []
    last_of: dict[str, str] = {}  # of a model inside: the node that its outputs come from
    before: list[str] = []
    for layer in content["layers"]:
        inner = layer["config"]
        own_name = layer.get("name") or inner["name"]
        if config["class_name"] != "Sequential":
            before = list(dict.fromkeys(_sources(layer.get("inbound_nodes", ()))))
        inputs = [last_of.get(name, f"{prefix}{name}") for name in before]
        if isinstance(inner, dict) and isinstance(inner.get("layers"), list):
            inside = nodes_of(layer, f"{prefix}{own_name}/")
            nodes += [(n, kind, own or inputs) for n, kind, own in inside]
            last_of[own_name] = inside[-1][0]
        else:
            nodes.append((f"{prefix}{own_name}", layer["class_name"], inputs))
        before = [own_name]
    return nodes


def _sources(inbound: Any) -> Iterator[str]:
    """The names of layers whose outputs a config's calls take."""
    if isinstance(inbound, dict):
        if "keras_history" in inbound:
            yield inbound["keras_history"][0]
            return
        inbound = inbound.values()
    if not isinstance(inbound, (str, int, float, type(None))):
        for part in inbound:
            yield from _sources(part)
