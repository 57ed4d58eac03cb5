"""Every write to targets and to the districts of bodies."""

from app.targets.commands.districts import NewPostalDistrict, import_districts
from app.targets.commands.targets import (
    COLUMNS,
    NewTarget,
    add_target,
    edit_target,
    import_targets,
    read_targets,
    take_targets,
)

__all__ = [
    "COLUMNS",
    "NewPostalDistrict",
    "NewTarget",
    "add_target",
    "edit_target",
    "import_districts",
    "import_targets",
    "read_targets",
    "take_targets",
]
