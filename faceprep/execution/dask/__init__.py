"""A Dask cluster: workers on this machine, or an existing cluster."""
