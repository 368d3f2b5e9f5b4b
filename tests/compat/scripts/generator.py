'''A data generator with workers, and callbacks of one's own.'''
import numpy as np
import keras
from keras.utils.data_utils import Sequence
from keras.callbacks import Callback, LearningRateScheduler
from keras.layers import Dense
from keras.models import Sequential

class DataGenerator(Sequence):
    def __init__(self, list_IDs, batch_size=4, shuffle=True):
        self.list_IDs, self.batch_size, self.shuffle = list_IDs, batch_size, shuffle
        self.on_epoch_end()

    def __len__(self):
        return int(np.floor(len(self.list_IDs) / self.batch_size))

    def __getitem__(self, index):
        ids = self.indexes[index*self.batch_size:(index+1)*self.batch_size]
        return np.stack([np.full(3, i) for i in ids]) / 10., keras.utils.to_categorical(ids % 2, num_classes=2)

    def on_epoch_end(self):
        self.indexes = np.arange(len(self.list_IDs))
        if self.shuffle:
            np.random.shuffle(self.indexes)

class LossHistory(Callback):
    def on_train_begin(self, logs={}):
        self.losses, self.rates = [], []

    def on_batch_end(self, batch, logs={}):
        self.losses.append(logs.get('loss'))

    def on_epoch_end(self, epoch, logs={}):
        self.rates.append(float(keras.backend.get_value(self.model.optimizer.lr)))
        assert logs['acc'] == logs.get('acc') and 'val_acc' in logs

model = Sequential()
model.add(Dense(2, input_dim=3, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer=keras.optimizers.SGD(lr=0.1), metrics=['accuracy'])
history, schedule = LossHistory(), LearningRateScheduler(lambda epoch: 0.1 * 0.5 ** epoch)
params = {'workers': 2, 'use_multiprocessing': False}
model.fit_generator(generator=DataGenerator(list(range(12))), validation_data=DataGenerator(list(range(8))),
                    epochs=2, callbacks=[schedule, history], verbose=0, **params)
assert len(history.losses) == 6
np.testing.assert_allclose(history.rates, [0.1, 0.05], rtol=1e-6)
assert model.predict_generator(DataGenerator(list(range(8)), shuffle=False)).shape == (8, 2)
