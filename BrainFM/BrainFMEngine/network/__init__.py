"""The 3D U-Net family of BrainFM and Brain-ID, built from one config. Imports torch."""
