"""What a model has learnt: likelihoods against simple baselines, with right and wrong conditions."""
