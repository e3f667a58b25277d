"""From one anatomy to images of any contrast: every random step is a sampler and a function that applies it."""
