"""Stand-ins for models: what callbacks touch, and no network."""


class Rate:
    """An optimizer with a plain learning rate."""

    def __init__(self, learning_rate=0.1, name="sgd"):
        self.learning_rate, self.name = learning_rate, name


class FakeModel:
    """Its weights are the epoch that set them."""

    def __init__(self, metrics=(), optimizer=None):
        self.metrics, self.optimizer = list(metrics), optimizer
        self.stop_training, self.weights, self.history = False, None, None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def run(callbacks, epochs, model=None, start=0):
    """Calls a `CallbackList` as `fit` does, without batches. `epochs`: the logs of each epoch.
    Returns how many epochs there were.
    """
    model = model or callbacks.model
    model.stop_training = False
    callbacks.on_train_begin()
    logs = {}
    for epoch, logs in enumerate(epochs, start):
        model.weights = epoch
        callbacks.on_epoch_begin(epoch)
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end(logs)
    return epoch + 1
