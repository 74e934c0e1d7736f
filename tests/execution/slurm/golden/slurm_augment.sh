#!/bin/bash

# Parameters
#SBATCH --array=0-0%1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --job-name=faceprep-NAME
#SBATCH --mem=8G
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=FOLDER/task-%a.log
#SBATCH --partition=gpu
#SBATCH --requeue
#SBATCH --signal=B:USR1@30
#SBATCH --time=30

# command
exec python -u -m faceprep.cli.worker FOLDER
