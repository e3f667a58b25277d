"""The panels of the module's form, one class a section; each knows its own widgets and nothing of the others."""
