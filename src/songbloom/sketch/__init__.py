"""Audio to sketch tokens: one discrete code per frame, the melody and words in outline."""
