'''Stateful LSTM on a sine, then a loop over steps (2016-2018).'''
import numpy as np
from keras.models import Sequential
from keras.layers import Dense, LSTM
from keras import backend as K

batch_size, tsteps = 4, 1
x = np.sin(np.arange(8) / 3.0).reshape(8, tsteps, 1)
model = Sequential()
model.add(LSTM(3, input_shape=(tsteps, 1), batch_size=batch_size, return_sequences=True, stateful=True))
model.add(LSTM(3, return_sequences=False, stateful=True))
model.add(Dense(1))
model.compile(loss='mse', optimizer='rmsprop')
for i in range(2):
    model.fit(x, x[:, :, 0], batch_size=batch_size, epochs=1, verbose=0, shuffle=False)
    model.reset_states()
assert model.predict(x, batch_size=batch_size, verbose=0).shape == (8, 1)

def step(inputs, states):
    total = states[0] + K.sum(inputs, axis=-1, keepdims=True)
    return total, [total]

last, outputs, _ = K.rnn(step, K.variable(x), [K.zeros((8, 1))])
np.testing.assert_allclose(K.eval(last), x[:, 0], rtol=1e-5)
