"""Two processes, of which the second dies in the middle of training."""

import os
import sys

import numpy as np

import fkeras
from fkeras import distribution

PROCESS, PORT = int(sys.argv[1]), sys.argv[2]


class Dies(fkeras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 3 and PROCESS == 1:
            os._exit(3)


distribution.initialize(f"127.0.0.1:{PORT}", 2, PROCESS, heartbeat_seconds=10)
distribution.set_distribution(distribution.DataParallel())
model = fkeras.Sequential([fkeras.Input((4,)), fkeras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((4000, 4)), np.ones((4000, 1)), batch_size=8, verbose=0, callbacks=[Dies()])
print("finished")
