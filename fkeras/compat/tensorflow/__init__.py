"""What there is of TensorFlow beside `tf.keras`: one module for each of its namespaces.

A module has a table `NAMES` from the names that scripts write to functions; `namespaces` puts the
tables together. Functions of tensors take `xp`, NumPy or jax.numpy, before the arguments that
TensorFlow documents: on values of the host they compute with NumPy, and give a `HostArray`; on JAX
arrays, tracers, Variables and KerasTensors they are operations like those of `fkeras.ops`
(`calls.py`). Meanings and dtypes are TensorFlow's; `tests/compat/data` holds its own results.
"""
