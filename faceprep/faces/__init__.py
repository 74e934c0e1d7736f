"""Detect faces in single images; compute landmarks, crops, heatmaps and Action Units."""
