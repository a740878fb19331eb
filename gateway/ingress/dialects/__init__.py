"""Other tools' own formats, each translated to the one Message and back."""
