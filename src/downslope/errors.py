"""Everything downslope raises or warns, in one tree.

::

    DownslopeError
    ├── InputError (ValueError)         the data, file or formula handed in is wrong
    │   ├── TableError                  a table cannot be read without guessing
    │   └── FormulaError                a typed formula is outside the grammar
    ├── SettingError (ValueError)       one setting has a value it cannot have
    ├── PairError (ValueError)          two settings that cannot be right together
    ├── StoreError                      a model, run or checkpoint file is refused
    └── MissingExtraError (ImportError) an optional dependency is needed
    DownslopeWarning (UserWarning)      the answer stands, with a reservation

Every message is a sentence with the value seen, what is wrong with it, and what to do.
"""


class DownslopeError(Exception):
    """Root of everything downslope raises on purpose."""


class InputError(DownslopeError, ValueError):
    """The data, file or formula handed in cannot be used as it is."""


class TableError(InputError):
    """A table cannot be read without guessing."""


class FormulaError(InputError):
    """A typed formula is outside the grammar."""


class SettingError(DownslopeError, ValueError):
    """One setting has a value it cannot have."""


class PairError(DownslopeError, ValueError):
    """Two settings that cannot be right together."""


class StoreError(DownslopeError):
    """A model, run or checkpoint file is refused."""


class MissingExtraError(DownslopeError, ImportError):
    """An optional dependency is needed for what was asked."""


class DownslopeWarning(UserWarning):
    """The answer stands, with a reservation worth reading."""
