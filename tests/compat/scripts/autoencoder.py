from tensorflow.python.keras.layers import Input, Dense
from tensorflow.python.keras.models import Model
from tensorflow.python.keras import regularizers
import numpy as np

encoding_dim = 3
x_train = np.random.rand(16, 8).astype('float32')
input_img = Input(shape=(np.prod(x_train.shape[1:]),))
encoded = Dense(encoding_dim, activation='relu', activity_regularizer=regularizers.l1(1e-5))(input_img)
decoded = Dense(8, activation='sigmoid')(encoded)
autoencoder = Model(input_img, decoded)
encoder = Model(inputs=input_img, outputs=encoded)
encoded_input = Input(shape=(encoding_dim,))
decoder_layer = autoencoder.layers[-1]
decoder = Model(encoded_input, decoder_layer(encoded_input))
autoencoder.compile(optimizer='adadelta', loss='binary_crossentropy')
autoencoder.fit(x_train, x_train, epochs=2, batch_size=8, shuffle=True, verbose=0, validation_data=(x_train, x_train))
decoded_imgs = decoder.predict(encoder.predict(x_train, verbose=0), verbose=0)
np.testing.assert_allclose(decoded_imgs, autoencoder.predict(x_train, verbose=0), rtol=1e-5)
