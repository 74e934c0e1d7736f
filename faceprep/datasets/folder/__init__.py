"""Read a folder of photographs, or a table that lists them."""
