"""Command lines that need no checkout."""
