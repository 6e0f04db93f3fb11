"""Preparing songs: from raw audio and lyrics, or from the demo corpus, to training shards."""
