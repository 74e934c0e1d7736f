"""What a workspace holds, as plain values."""
