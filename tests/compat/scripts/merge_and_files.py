'''Keras 1 merges, old names, files.'''
import os, tempfile
import numpy as np
from keras.engine import Input, Model
from keras.layers import Dense, merge, Activation, CuDNNLSTM, ThresholdedReLU
from keras.layers.merge import concatenate, add
from keras.objectives import kullback_leibler_divergence
from keras.models import load_model
import keras.backend.tensorflow_backend as KTF
from keras.initializers import he_normal, glorot_uniform
from keras.metrics import mae

a, b = Input(shape=(3,)), Input(shape=(3,))
both = merge([a, b], mode='concat', concat_axis=-1)
both = add([Dense(4, kernel_initializer=he_normal())(both), Dense(4)(concatenate([a, b]))])
both = ThresholdedReLU(theta=0.1)(both)
out = Activation('sigmoid')(Dense(1, kernel_initializer=glorot_uniform(seed=1))(both))
model = Model(input=[a, b], output=out)
model.compile('adam', kullback_leibler_divergence, metrics=[mae])
x, y = np.random.rand(8, 3), np.random.rand(8, 1)
model.fit([x, x], y, nb_epoch=1, verbose=0)
path = os.path.join(tempfile.mkdtemp(), 'model.h5')
model.save(path, include_optimizer=False)
again = load_model(path, compile=False)
np.testing.assert_allclose(again.predict([x, x], verbose=0), model.predict([x, x], verbose=0), rtol=1e-5)
weights = path.replace('model.h5', 'weights.ckpt')
model.save_weights(weights)
again.load_weights(weights)
KTF.clear_session()
