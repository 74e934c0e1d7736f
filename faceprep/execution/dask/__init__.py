"""A Dask cluster: workers on this machine, or of a cluster that runs already."""
