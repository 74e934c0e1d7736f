"""``faceprep status``: what is done, running, queued and failed now."""
