import numpy as np
from keras.preprocessing import sequence
from keras.models import Sequential
from keras.layers import Dense, LSTM, SpatialDropout1D
from keras.layers.embeddings import Embedding
from keras.layers.wrappers import Bidirectional
from keras.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
import os, tempfile

max_features, maxlen = 20, 6
rng = np.random.RandomState(1)
x = [list(rng.randint(1, max_features, rng.randint(2, 9))) for _ in range(16)]
y = rng.randint(0, 2, 16)
x = sequence.pad_sequences(x, maxlen=maxlen)

model = Sequential()
model.add(Embedding(max_features, 4, input_length=maxlen))
model.add(SpatialDropout1D(0.2))
model.add(Bidirectional(LSTM(3, dropout=0.2, recurrent_dropout=0.2)))
model.add(Dense(1, activation='sigmoid'))
model.compile(loss='binary_crossentropy', optimizer='adam', metrics=['acc'])
folder = tempfile.mkdtemp()
filepath = os.path.join(folder, "weights-{epoch:02d}-{val_acc:.2f}.hdf5")
callbacks = [
    ModelCheckpoint(filepath, monitor='val_acc', verbose=0, save_best_only=False, mode='max', period=1),
    EarlyStopping(monitor='val_loss', patience=2),
    ReduceLROnPlateau(monitor='val_loss', factor=0.5, patience=1, epsilon=1e-4, min_lr=1e-6)]
history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.25, callbacks=callbacks, verbose=0)
assert len(os.listdir(folder)) == 2
print(history.history['lr'], history.history['acc'])
