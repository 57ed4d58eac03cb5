"""The check of the sending domain: shown from its row, made anew by a button, never by opening the page."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.core.clock import utc_now
from app.core.db import reading, transaction
from app.mail import commands, queries
from app.mail.deliverability import Asker, Grade, check, sending
from app.mail.views.blueprint import blueprint, settings
from app.web.pages import page, see_other
from app.web.security import actor, operator

HERE = "/operator/mail/check"
# What each grade is called on the page, and its color.
GRADES = {
    Grade.GOOD.value: ("Good", "good"),
    Grade.WARN.value: ("Could be better", "warn"),
    Grade.BAD.value: ("Mend this", "bad"),
    Grade.UNKNOWN.value: ("Not known", "neutral"),
}


@blueprint.get("/operator/mail/check")
@operator
def checked() -> ResponseReturnValue:
    """What the last check found, and when it was made."""
    domain = sending(settings()).domain
    with reading() as session:
        return page("mail/check.html", domain=domain, last=queries.last_check(session, domain), grades=GRADES)


@blueprint.post("/operator/mail/check")
@operator
def check_anew() -> ResponseReturnValue:
    """Look everything up once more, with no transaction open meanwhile."""
    how = sending(settings())
    found = check(Asker(settings().mail_dns_server), how)
    with transaction() as session:
        commands.keep_check(session, how.domain, found, by=actor(), now=utc_now())
    return see_other(HERE, "Checked.")
