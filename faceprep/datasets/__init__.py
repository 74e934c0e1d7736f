"""Read datasets on disk into rows of the select manifest."""
