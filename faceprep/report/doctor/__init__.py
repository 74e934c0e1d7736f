"""``faceprep doctor``: installed tools, resources of the machine, and install commands."""
