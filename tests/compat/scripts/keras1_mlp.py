'''A Keras 1 script (2016).'''
import numpy as np
from keras.models import Sequential
from keras.layers.core import Dense, Dropout, Activation
from keras.layers.convolutional import Convolution2D, MaxPooling2D, ZeroPadding2D
from keras.layers import Flatten
from keras.optimizers import SGD
from keras.regularizers import l2
from keras.constraints import maxnorm

X = np.random.random((16, 6, 6, 1))
y = np.random.randint(0, 2, 16)
model = Sequential()
model.add(ZeroPadding2D((1, 1), input_shape=(6, 6, 1), dim_ordering='tf'))
model.add(Convolution2D(4, 3, 3, border_mode='valid', activation='relu', init='he_normal'))
model.add(MaxPooling2D(pool_size=(2, 2), strides=(2, 2), border_mode='valid'))
model.add(Flatten())
model.add(Dense(output_dim=8, init='uniform', W_regularizer=l2(0.01), W_constraint=maxnorm(2)))
model.add(Activation('relu'))
model.add(Dropout(p=0.5))
model.add(Dense(1, init='uniform', activation='sigmoid'))
assert model.layers[1].output_shape == (None, 6, 6, 4)
sgd = SGD(lr=0.1, decay=1e-6, momentum=0.9, nesterov=True)
model.compile(loss='binary_crossentropy', optimizer=sgd, metrics=['accuracy'])
hist = model.fit(X, y, nb_epoch=2, batch_size=8, validation_split=0.25, verbose=0)
print(hist.history['val_acc'])
proba = model.predict_proba(X, batch_size=8)
assert proba.shape == (16, 1)
