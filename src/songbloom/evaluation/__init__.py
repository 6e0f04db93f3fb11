"""What a model has learnt: likelihoods against baselines, with right and wrong conditions."""
