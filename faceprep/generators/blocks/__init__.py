"""Building blocks that several generators share: layers, losses, warps."""
