"""Read ``--dataset table``: tables that hold the images themselves, as pixels or as files."""
