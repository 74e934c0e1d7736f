"""Read CelebA."""
