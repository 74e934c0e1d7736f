"""``faceprep doctor``: what is installed, what the machine has, and what to type for the rest."""
