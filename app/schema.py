"""Every table in one import, for migrations and tests."""

from app.accounts import models as accounts
from app.automations import models as automations
from app.broadcasts import models as broadcasts
from app.campaigns import models as campaigns
from app.coalitions import models as coalitions
from app.core import audit, limits
from app.core.db import Base
from app.deliveries import models as deliveries
from app.jobs import models as jobs
from app.mail import models as mail
from app.mailings import models as mailings
from app.petitions import models as petitions
from app.returns import models as returns
from app.signons import models as signons
from app.statements import models as statements
from app.supporters import models as supporters
from app.targets import models as targets

__all__ = [
    "Base",
    "accounts",
    "audit",
    "automations",
    "broadcasts",
    "campaigns",
    "coalitions",
    "deliveries",
    "jobs",
    "limits",
    "mail",
    "mailings",
    "petitions",
    "returns",
    "signons",
    "statements",
    "supporters",
    "targets",
]
