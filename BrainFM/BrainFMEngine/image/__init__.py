"""Images and where they are: a volume is an array, its affine, and where it came from. No torch outside resample."""
