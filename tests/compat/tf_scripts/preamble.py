# What notebooks begin with: devices, memory, loggers, seeds, graphs of yesterday
import logging
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

tf.get_logger().setLevel(logging.ERROR)
tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
tf.autograph.set_verbosity(0)
gpus = tf.config.experimental.list_physical_devices("GPU")
if gpus:
    try:
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        logical_gpus = tf.config.experimental.list_logical_devices("GPU")
        print(len(gpus), "Physical GPUs,", len(logical_gpus), "Logical GPUs")
    except RuntimeError as e:
        print(e)
tf.config.set_visible_devices([], "GPU")
tf.config.threading.set_inter_op_parallelism_threads(2)
tf.config.optimizer.set_jit(True)
config = tf.compat.v1.ConfigProto()
config.gpu_options.allow_growth = True
session = tf.compat.v1.Session(config=config)
session.close()
print("GPU available:", tf.test.is_gpu_available(), tf.test.gpu_device_name() or "none")
print(tf.executing_eagerly(), tf.version.VERSION)
tf.random.set_seed(1)
with tf.device("/CPU:0"):
    a = tf.random.uniform((2, 2), seed=3)
tf.random.set_seed(1)
b = tf.random.uniform((2, 2), seed=3)
assert (a.numpy() == b.numpy()).all()


@tf.function(
    input_signature=[tf.TensorSpec([None], tf.float32)] if hasattr(tf, "TensorSpec") else None
)
def double(x):
    return x * 2


assert double(tf.constant([1.0])).numpy()[0] == 2
