"""The commands, one file per group, and their shared options."""
