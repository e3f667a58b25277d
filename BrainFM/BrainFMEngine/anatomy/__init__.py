"""Structures, label protocols and the atlas: tables without torch."""
