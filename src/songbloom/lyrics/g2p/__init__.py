"""Grapheme to phoneme: English as ARPAbet, Mandarin as initials and finals with tone."""
