"""Contact sheets: pictures of faces with captions, drawn with Pillow."""
