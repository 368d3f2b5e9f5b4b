"""The array functions of Keras 2's backend, one kind a file; `fkeras.backend.functions` lists them.

They stand in a room of their own, since they differ from `fkeras.ops` where Keras 2 did from Keras
3, and since they need `fkeras.random`.
"""
