"""Names of what a training leaves in its folder."""

#: To resume from, for use, every step's losses, and how far the training is.
RESUME, USE = "training.safetensors", "generator.safetensors"
HISTORY, INFO = "history.parquet", "train.json"
