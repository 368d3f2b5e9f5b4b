# FGSM, saliency, integrated gradients, Grad-CAM: gradients by inputs and by inner outputs.
import numpy as np
import tensorflow as tf
from tensorflow import keras

inputs = keras.Input((6, 6, 3))
x = keras.layers.Conv2D(4, 3, activation="relu", name="last_conv_layer")(inputs)
x = keras.layers.GlobalAveragePooling2D()(x)
outputs = keras.layers.Dense(3, activation="softmax")(x)
model = keras.Model(inputs, outputs)
image = tf.convert_to_tensor(np.random.default_rng(0).uniform(size=(1, 6, 6, 3)).astype("float32"))

loss_object = tf.keras.losses.CategoricalCrossentropy()


def create_adversarial_pattern(input_image, input_label):
    with tf.GradientTape() as tape:
        tape.watch(input_image)
        prediction = model(input_image)
        loss = loss_object(input_label, prediction)
    gradient = tape.gradient(loss, input_image)
    return tf.sign(gradient), loss


label = tf.reshape(tf.one_hot(1, 3), (1, 3))
perturbations, loss = create_adversarial_pattern(image, label)
adversarial = tf.clip_by_value(image + 0.05 * perturbations, 0, 1)
assert loss_object(label, model(adversarial)).numpy() > loss.numpy()

# Integrated gradients
alphas = tf.linspace(0.0, 1.0, 5)[:, tf.newaxis, tf.newaxis, tf.newaxis, tf.newaxis]
interpolated = tf.reshape(alphas * image[tf.newaxis], (5, 6, 6, 3))
with tf.GradientTape() as tape:
    tape.watch(interpolated)
    logits = model(interpolated)
    probs = tf.nn.softmax(logits, axis=-1)[:, 1]
path_gradients = tape.gradient(probs, interpolated)
grads = (path_gradients[:-1] + path_gradients[1:]) / tf.constant(2.0)
attributions = tf.math.reduce_mean(grads, axis=0) * image
assert attributions.numpy().shape == (1, 6, 6, 3) and np.abs(attributions).max() > 0


# Grad-CAM
def make_gradcam_heatmap(img_array, model, last_conv_layer_name, pred_index=None):
    grad_model = tf.keras.models.Model(
        model.inputs, [model.get_layer(last_conv_layer_name).output, model.output]
    )
    with tf.GradientTape() as tape:
        last_conv_layer_output, preds = grad_model(img_array)
        if pred_index is None:
            pred_index = tf.argmax(preds[0])
        class_channel = preds[:, pred_index]
    grads = tape.gradient(class_channel, last_conv_layer_output)
    pooled_grads = tf.reduce_mean(grads, axis=(0, 1, 2))
    last_conv_layer_output = last_conv_layer_output[0]
    heatmap = last_conv_layer_output @ pooled_grads[..., tf.newaxis]
    heatmap = tf.squeeze(heatmap)
    heatmap = tf.maximum(heatmap, 0) / tf.math.reduce_max(tf.abs(heatmap))
    return heatmap.numpy()


heatmap = make_gradcam_heatmap(image.numpy(), model, "last_conv_layer")
assert heatmap.shape == (4, 4) and 0 <= heatmap.min() and heatmap.max() <= 1

# Deep dream's steps, as updates of a Variable
dream = tf.Variable(image)
optimizer = tf.optimizers.Adam(learning_rate=0.02)
values = []
for _ in range(3):
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(model(dream)[:, 0])
    grad = tape.gradient(loss, dream)
    optimizer.apply_gradients([(grad, dream)])
    dream.assign(tf.clip_by_value(dream, clip_value_min=0.0, clip_value_max=1.0))
    values.append(float(loss))
assert values[-1] < values[0]
