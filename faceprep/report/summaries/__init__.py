"""Contents of a workspace as plain values."""
