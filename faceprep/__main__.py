"""``python -m faceprep``: the command line without an installed console script."""

from faceprep.cli import main

if __name__ == "__main__":
    main()
