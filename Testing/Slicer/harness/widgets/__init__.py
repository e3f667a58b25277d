"""Behaviour of the CTK and qMRML widgets that the modules use: to be seen, driven and bound to the real scene."""
