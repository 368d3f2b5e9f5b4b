'''Grad-CAM with K.gradients, as in a book of 2017.'''
import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Dense, GlobalAveragePooling2D, Input
from keras.models import Model

image = Input(shape=(8, 8, 3))
x = Conv2D(4, (3, 3), activation='relu', name='block1_conv1')(image)
x = Conv2D(5, (3, 3), activation='relu', name='block5_conv3')(x)
model = Model(image, Dense(3, activation='softmax')(GlobalAveragePooling2D()(x)))

x = np.random.rand(1, 8, 8, 3)
preds = model.predict(x, verbose=0)
winner = np.argmax(preds[0])
output = model.output[:, winner]
last_conv_layer = model.get_layer('block5_conv3')
grads = K.gradients(output, last_conv_layer.output)[0]
pooled_grads = K.mean(grads, axis=(0, 1, 2))
iterate = K.function([model.input], [pooled_grads, last_conv_layer.output[0]])
pooled_grads_value, conv_layer_output_value = iterate([x])
for i in range(5):
    conv_layer_output_value[:, :, i] *= pooled_grads_value[i]
heatmap = np.mean(conv_layer_output_value, axis=-1)
heatmap = np.maximum(heatmap, 0)
assert heatmap.shape == (4, 4)

# What maximises a filter.
loss = K.mean(model.get_layer('block1_conv1').output[:, :, :, 0])
grads = K.gradients(loss, model.input)[0]
grads /= (K.sqrt(K.mean(K.square(grads))) + 1e-5)
iterate = K.function([model.input], [loss, grads])
input_img_data, losses = np.random.random((1, 8, 8, 3)), []
for i in range(5):
    loss_value, grads_value = iterate([input_img_data])
    losses.append(float(loss_value))
    input_img_data += grads_value * 0.1
assert losses[-1] > losses[0]
# Activations of all layers at once.
activations = K.function([model.layers[0].input], [layer.output for layer in model.layers[1:]])([x])
assert [a.shape[-1] for a in activations] == [4, 5, 5, 3]
