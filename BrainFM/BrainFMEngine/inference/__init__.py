"""From a trained network and a scan to finished volumes on the scan's own grid. Imports torch.

`predictor` is the whole way; `strategy` decides between whole volume and windows, `forward` and `lean` run the
network, `finish` turns raw heads into physical quantities, `tiling` blends windows, `memory` and `device` look at
the machine. Nothing here reads options of the command line or writes files.
"""
