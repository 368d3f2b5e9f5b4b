"""Scripts written for `tf.distribute` on one host, with four virtual devices."""

import ast

SCRIPT = """
    import numpy as np
    import tensorflow as tf
    from tensorflow.distribute import MirroredStrategy

    results = {}
    x = np.random.default_rng(0).normal(size=(30, 3)).astype("float32")
    y = x @ np.ones((3, 1), "float32")

    def trained(strategy):
        with strategy.scope():
            tf.keras.utils.set_random_seed(0)
            model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(1)])
            model.compile("sgd", "mse")
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        devices = len(model.weights[0].value.sharding.device_set)
        return devices, np.round(model.get_weights()[0], 4).tolist()

    first = "/job:localhost/replica:0/task:0/device:CPU:0"
    strategies = {
        "default": tf.distribute.get_strategy(),
        "all": MirroredStrategy(),
        "by name": MirroredStrategy([first, "/cpu:2", "CPU:3"]),
        "one name": MirroredStrategy("/cpu:1", cross_device_ops=tf.distribute.NcclAllReduce()),
        "listed": MirroredStrategy(tf.config.list_physical_devices("CPU")[1:3]),
        "one device": tf.distribute.OneDeviceStrategy("/device:cpu:3"),
    }
    weights = set()
    for name, strategy in strategies.items():
        devices, values = trained(strategy)
        weights.add(str(values))
        results[name] = strategy.num_replicas_in_sync, devices
    results["numbers"] = len(weights)

    strategy = strategies["all"]
    seen = [tf.distribute.has_strategy(), tf.distribute.in_cross_replica_context()]
    with strategy.scope():
        seen += [tf.distribute.get_strategy() is strategy, tf.distribute.has_strategy()]
        seen += [tf.distribute.in_cross_replica_context(), tf.distribute.get_replica_context()]
    results["contexts"] = seen

    # TensorFlow's two ways of writing the mean over a global batch.
    global_batch = 30

    def by_size(rows, scale=1.0):
        context = tf.distribute.get_replica_context()
        assert not tf.distribute.in_cross_replica_context()
        assert context.replica_id_in_sync_group == 0 and context.all_reduce("sum", 3) == 3
        return scale * (rows**2).sum() / global_batch

    def by_replicas(rows):
        return (rows**2).mean() * 3 / tf.distribute.get_strategy().num_replicas_in_sync

    data = strategy.experimental_distribute_dataset([x])
    SUM = tf.distribute.ReduceOp.SUM
    means = []
    for rows in data:
        parts = strategy.run(by_size, args=(rows,), kwargs={"scale": 2.0})
        means.append(strategy.reduce(SUM, parts, axis=None) / 2)
        means.append(strategy.reduce("sum", strategy.run(by_replicas, (rows,))))
    results["means"] = [bool(abs(m - (x**2).sum() / 30) < 1e-4) for m in means]
    results["axes"] = [float(strategy.reduce(op, np.arange(4.0), axis=0)) for op in ("SUM", "MEAN")]
    results["local"] = strategy.experimental_local_results(5), strategy.gather(5, axis=0)
    make = lambda context: context.get_per_replica_batch_size(64) // context.num_replicas_in_sync
    results["data set"] = strategy.distribute_datasets_from_function(make)

    def told(what):
        try:
            return what()
        except (AttributeError, ValueError) as error:
            return type(error).__name__, str(error)

    distribute = tf.distribute
    results["errors"] = [
        told(lambda: distribute.MultiWorkerMirroredStrategy()),
        told(lambda: distribute.ParameterServerStrategy),
        told(lambda: distribute.TPUStrategy),
        told(lambda: distribute.experimental.CentralStorageStrategy()),
        told(lambda: distribute.cluster_resolver.TPUClusterResolver()),
        told(lambda: distribute.cluster_resolver.TPUClusterResolver.connect()),
        told(lambda: distribute.cluster_resolver.SlurmClusterResolver),
        told(lambda: distribute.nothing),
        told(lambda: MirroredStrategy(["/cpu:4"])),
        told(lambda: MirroredStrategy(["/gpu:0"])),
        told(lambda: strategy.reduce("max", 1)),
    ]
    print(results)
"""


def test_scripts_written_for_many_devices(command, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=4")
    results = ast.literal_eval(command.output(SCRIPT))
    errors = results.pop("errors")
    assert results == {
        "default": (1, 1),
        "all": (4, 4),
        "by name": (3, 3),
        "one name": (1, 1),
        "listed": (2, 2),
        "one device": (1, 1),
        "numbers": 1,
        "contexts": [False, False, True, True, True, None],
        "means": [True, True],
        "axes": [6.0, 1.5],
        "local": ((5,), 5),
        "data set": 64,
    }
    words = [
        ("AttributeError", "fkeras.distribution.initialize()"),
        ("AttributeError", "fkeras.distribution.initialize()"),
        ("AttributeError", "fkeras.distribution.DataParallel()"),
        ("AttributeError", "fkeras.distribution.FSDP()"),
        ("UserInputError", "no TPUs here. `fkeras.distribution.DataParallel()`"),
        ("UserInputError", "no TPUs here. `fkeras.distribution.DataParallel()`"),
        ("AttributeError", "fkeras.distribution.initialize()"),
        ("AttributeError", "has no `tf.distribute.nothing`"),
        ("UserInputError", "There is no device '/cpu:4'"),
        ("UserInputError", "no devices of type 'gpu'"),
        ("UserInputError", "must be 'SUM' or 'MEAN'. Received: 'max'"),
    ]
    for (kind, text), (expected, words_of_it) in zip(errors, words, strict=True):
        assert kind == expected and words_of_it in text, (kind, text)
