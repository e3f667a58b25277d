"""Readers' first half: what the header of each file format promises, parsed and checked before any voxel is read."""
