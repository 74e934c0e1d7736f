#!/bin/bash

# Parameters
#SBATCH --cpus-per-task=1
#SBATCH --job-name=faceprep-NAME
#SBATCH --mem=2G
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=FOLDER/task-0.log
#SBATCH --requeue
#SBATCH --signal=B:USR1@60
#SBATCH --time=90

# command
exec python -u -m faceprep.cli.worker FOLDER
