"""From scans and label maps of any layout to one documented folder that training and evaluation read."""
