"""A corpus of sung public-domain songs, rendered from text with exact section and word times."""
