"""Detection, landmarks, alignment, heatmaps and Action Units of single images."""
