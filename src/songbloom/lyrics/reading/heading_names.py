"""What people call the parts of a song, in English and Chinese."""

KIND_TAGS = {
    "intro": "[intro]",
    "verse": "[verse]",
    "pre-chorus": "[verse]",
    "rap": "[verse]",
    "spoken": "[verse]",
    "chorus": "[chorus]",
    "post-chorus": "[chorus]",
    "bridge": "[bridge]",
    "inst": "[inst]",
    "outro": "[outro]",
    "silence": "[silence]",
}
"""The section tag of each kind of heading; a heading without words repeats one of its kind."""

_NAMES = {
    "intro": "intro, introduction, start, opening, prelude, 前奏, 序奏, 引子, 开场, 開場",
    "verse": "verse, verses, strophe, stanza, 主歌",
    "pre-chorus": "pre chorus, prechorus, pre hook, lift, 导歌, 導歌, 预副歌, 預副歌",
    "rap": "rap, 说唱, 說唱",
    "spoken": "spoken, spoken word, 念白, 口白, 独白, 獨白",
    "chorus": "chorus, choruses, hook, refrain, 副歌",
    "post-chorus": "post chorus, postchorus, 后副歌, 後副歌",
    "bridge": "bridge, middle eight, middle 8, 桥段, 橋段, 桥, 橋, 过渡, 過渡",
    "inst": "inst, instrumental, solo, interlude, break, breakdown, drop, build, build up, "
    "buildup, 间奏, 間奏, 过门, 過門, 独奏, 獨奏, 器乐, 器樂, 纯音乐, 純音樂",
    "outro": "outro, end, ending, coda, finale, fade out, fadeout, fade, "
    "尾奏, 尾声, 尾聲, 结尾, 結尾, 结束, 結束",
    "silence": "silence, pause, 静音, 靜音",
}

KIND_OF = {name: kind for kind, names in _NAMES.items() for name in names.split(", ")}
"""The kind that each name means; hyphens are spaces in it."""

_UNMISTAKABLE = (
    "verse, chorus, bridge, intro, outro, pre chorus, prechorus, post chorus, postchorus, refrain, "
    "instrumental, interlude"
)
UNMISTAKABLE = frozenset(_UNMISTAKABLE.split(", ")) | {
    name for name in KIND_OF if name[-1] in "奏歌段"
}
"""Names that need no bracket or colon: alone on a line they are headings, never words."""

_QUALIFIERS = (
    "final last first second third fourth 1st 2nd 3rd 4th repeat double half short long big "
    "instrumental musical music guitar piano sax saxophone drum drums bass violin string strings "
    "synth organ acoustic"
)
QUALIFIERS = frozenset(_QUALIFIERS.split())
"""Words before a name that make no sentence of it: `(Guitar Solo)`, `Final Chorus:`."""
