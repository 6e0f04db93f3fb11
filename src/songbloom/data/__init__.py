"""Shards on disk to batches of the model: schema, tar index, sampler, collation, data module."""
