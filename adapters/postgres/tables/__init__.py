"""Every table, declared once: Alembic reads them here, plain reads are made with them.

A new area is a module of this package; nothing else has to be told.
"""

import importlib
import pkgutil

from sqlmodel import SQLModel

metadata = SQLModel.metadata
# PostgreSQL's own names, so that whatever made a constraint, it can be found under the same one.
metadata.naming_convention = {
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

for _area in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_area.name}")
