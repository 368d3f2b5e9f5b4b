'''A layer with weights of its own, of the Keras 2 documentation.'''
from keras import backend as K
from keras.engine.topology import Layer
from keras.models import Sequential
from keras.layers import Dense
from keras import initializers, regularizers
import numpy as np

class MyLayer(Layer):
    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super(MyLayer, self).__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(name='kernel', shape=(input_shape[1], self.output_dim),
                                      initializer='uniform', regularizer=regularizers.l2(0.01), trainable=True)
        self.scale = self.add_weight('scale', (self.output_dim,), initializer=initializers.Constant(2.0))
        super(MyLayer, self).build(input_shape)

    def call(self, x, training=None):
        noised = lambda: K.dot(x, self.kernel) + K.random_normal(shape=(K.shape(x)[0], self.output_dim))
        return K.in_train_phase(noised, K.dot(x, self.kernel), training=training) * self.scale

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)

    def get_config(self):
        config = {'output_dim': self.output_dim}
        base_config = super(MyLayer, self).get_config()
        return dict(list(base_config.items()) + list(config.items()))

model = Sequential([MyLayer(3, input_shape=(4,)), Dense(1)])
model.compile('rmsprop', 'mse')
x = np.random.rand(8, 4)
model.fit(x, x.sum(1), verbose=0)
kernel, scale = model.layers[0].get_weights()
np.testing.assert_allclose(K.get_value(model.layers[0](x)), x.dot(kernel) * scale, rtol=1e-4)
json_string = model.to_json()
from keras.models import model_from_json
again = model_from_json(json_string, custom_objects={'MyLayer': MyLayer})
again.set_weights(model.get_weights())
np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)
