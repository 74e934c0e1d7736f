"""Compare Action Unit estimates with FACS codes, the demo's truth, or another backend."""
