"""Training: pure steps over explicit state, and the loop around them."""

from fkeras.training.state import TrainState as TrainState
