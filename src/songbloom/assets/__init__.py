"""Data shipped with the package: the embedded codec, the sketch codebook, the phoneme data."""
