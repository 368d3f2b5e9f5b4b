import numpy as np
from keras.models import Model
from keras.layers import Input, Flatten, Dense, Dropout, Lambda
from keras.optimizers import RMSprop
from keras import backend as K

def euclidean_distance(vects):
    x, y = vects
    sum_square = K.sum(K.square(x - y), axis=1, keepdims=True)
    return K.sqrt(K.maximum(sum_square, K.epsilon()))

def eucl_dist_output_shape(shapes):
    shape1, shape2 = shapes
    return (shape1[0], 1)

def contrastive_loss(y_true, y_pred):
    margin = 1
    square_pred = K.square(y_pred)
    margin_square = K.square(K.maximum(margin - y_pred, 0))
    return K.mean(y_true * square_pred + (1 - y_true) * margin_square)

def accuracy(y_true, y_pred):
    return K.mean(K.equal(y_true, K.cast(y_pred < 0.5, y_true.dtype)))

def create_base_network(input_shape):
    input = Input(shape=input_shape)
    x = Flatten()(input)
    x = Dense(4, activation='relu')(x)
    x = Dropout(0.1)(x)
    return Model(input, Dense(3, activation='relu')(x))

base_network = create_base_network((2, 3))
input_a, input_b = Input(shape=(2, 3)), Input(shape=(2, 3))
distance = Lambda(euclidean_distance, output_shape=eucl_dist_output_shape)(
    [base_network(input_a), base_network(input_b)])
model = Model([input_a, input_b], distance)
model.compile(loss=contrastive_loss, optimizer=RMSprop(), metrics=[accuracy])
pairs, labels = np.random.rand(12, 2, 2, 3), np.random.randint(0, 2, 12)
model.fit([pairs[:, 0], pairs[:, 1]], labels, batch_size=6, epochs=2, verbose=0,
          validation_data=([pairs[:, 0], pairs[:, 1]], labels))
assert model.predict([pairs[:, 0], pairs[:, 1]], verbose=0).shape == (12, 1)
