"""Composition root: the command line, experiments and run folders. Nothing imports it."""
