#!/bin/bash

# Parameters
#SBATCH --account=faces
#SBATCH --array=0-1%2
#SBATCH --constraint=avx2
#SBATCH --cpus-per-task=2
#SBATCH --dependency=afterany:11:12
#SBATCH --exclusive
#SBATCH --gpus-per-node=1
#SBATCH --job-name=faceprep-NAME
#SBATCH --mem=8G
#SBATCH --nodes=1
#SBATCH --open-mode=append
#SBATCH --output=FOLDER/task-%a.log
#SBATCH --partition=cpu
#SBATCH --qos=long
#SBATCH --requeue
#SBATCH --signal=B:USR1@30
#SBATCH --time=90

# setup
module load python/3.11
source /shared/venv/bin/activate

# command
exec apptainer exec faceprep.sif python -u -m faceprep.cli.worker FOLDER
