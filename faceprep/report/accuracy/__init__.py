"""Show an accuracy table: terminal, plot and files."""
