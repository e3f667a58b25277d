"""From a folder of anatomies to weights. Imports torch; needs no reader but numpy once the cache is made."""
