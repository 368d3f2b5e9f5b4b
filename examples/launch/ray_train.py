"""Workers of Ray Train train one model: `python examples/launch/ray_train.py`, with `ray[train]`.

Ray starts the workers and does not join them: each calls `initialize` itself, with the address of
the first one.
"""

import socket

import fkeras


def free_address(host):
    """`host:port` with a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return f"{host}:{probe.getsockname()[1]}"


def train_loop():
    """What each worker runs."""
    import ray
    from ray.train.collective import broadcast_from_rank_zero
    from train import train  # examples/launch/train.py

    context = ray.train.get_context()
    address = broadcast_from_rank_zero(free_address(ray.util.get_node_ip_address()))
    fkeras.distribution.initialize(address, context.get_world_size(), context.get_world_rank())
    ray.train.report({"loss": train()})


if __name__ == "__main__":
    from ray.train import ScalingConfig
    from ray.train.data_parallel_trainer import DataParallelTrainer

    workers = ScalingConfig(num_workers=4, use_gpu=True, resources_per_worker={"GPU": 8})
    print(DataParallelTrainer(train_loop, scaling_config=workers).fit().metrics)
