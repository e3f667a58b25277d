"""Samples to look at before training on them: a request in plain values, answered by what training would draw."""
