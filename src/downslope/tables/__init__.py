"""Tables as people have them -> features and a target.

::

    bytes  unpacking -> sniffing, delimited | libsvm | Parquet, Arrow -> readers: a Table
    cells  words, numerals, dates -> cells: how a column is written, and what it says
    sense  aims, understanding: which columns are used as what, and what is to be learned
    rows   features: an Encoder learned on training rows; split

What cannot be read one way only is refused in a sentence that names the file, the line, the column,
the value and the option that settles it.
"""

from downslope.tables.aims import Target
from downslope.tables.features import Encoder, Features
from downslope.tables.readers import Table, read_table
from downslope.tables.rows import safe_cell, split
from downslope.tables.understanding import Column, Understood, understand

__all__ = [
    "Column",
    "Encoder",
    "Features",
    "Table",
    "Target",
    "Understood",
    "read_table",
    "safe_cell",
    "split",
    "understand",
]
