"""Pasted text to lyrics, in the order of the work.

`punctuation` -> `lines` (with `stamps`, for LRC) -> `pieces` (told apart with `headings`) ->
`stanzas` where there are no headings -> `assembly`; `reader` puts them together. `traced` keeps
the place of every letter in the original text, `changes` what was changed.
"""
