"""One of several processes that train one model. A launcher starts it on each host: see `slurm.sh`,
`jobset.yaml` and `ray_train.py` beside it.
"""

import numpy as np

import fkeras
from fkeras import layers


def train():
    """Trains on the devices of all processes, which have found each other."""
    fkeras.distribution.set_distribution(fkeras.distribution.DataParallel())
    fkeras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(256, 8)).astype("float32")
    y = x @ np.arange(8.0, dtype="float32")[:, None]
    model = fkeras.Sequential([fkeras.Input((8,)), layers.Dense(1)])
    model.compile(fkeras.optimizers.SGD(0.1), "mse")
    # Arrays: the same on each process, which computes its rows of them.
    model.fit(x, y, batch_size=32, epochs=5, verbose=0)
    loss = model.evaluate(x, y, verbose=0)
    assert loss < 1.0, loss
    return loss


if __name__ == "__main__":
    fkeras.distribution.initialize()  # the environment says where and how many
    print(f"{fkeras.distribution.get_device_count()} devices, loss {train():.4f}")
