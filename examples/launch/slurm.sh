#!/bin/bash
# sbatch examples/launch/slurm.sh: four nodes, one process a node, all GPUs of the node.
#SBATCH --job-name=fkeras
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --time=01:00:00
#SBATCH --signal=B:INT@120

set -euo pipefail

# `initialize()` reads SLURM_JOB_ID, SLURM_STEP_NODELIST, SLURM_NTASKS, SLURM_PROCID and
# SLURM_LOCALID, which srun sets for each process. With several processes a node
# (--ntasks-per-node=8 --gpus-per-task=1) each takes one GPU.
exec srun --kill-on-bad-exit=1 python "${TRAIN_SCRIPT:-examples/launch/train.py}" "$@"
