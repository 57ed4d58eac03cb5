"""The front page, a coalition, a campaign with its timeline, a target: what anybody may read."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from app.campaigns.queries import commitments_by, live_campaigns, public_campaign, public_campaigns_naming, timeline
from app.campaigns.rules import CAMPAIGN_TONES, TONES
from app.core.db import reading
from app.publishing.queries import public as queries
from app.publishing.views.shared import absolute, blueprint
from app.targets.rules import heads, spoken
from app.web.pages import cursor, page
from app.web.security import public

PAGE = 20


@blueprint.get("/")
@public
def front() -> ResponseReturnValue:
    """What this place is, and what is going on."""
    with reading() as session:
        campaigns = live_campaigns(session, before=cursor(), limit=PAGE + 1)
        shown = campaigns[:PAGE]
        return page(
            "publishing/front.html",
            campaigns=shown,
            to={one.id: spoken(one.targets) for one in shown},
            beside=queries.beside(session, shown),
            older=shown[-1].id if len(campaigns) > PAGE else None,
            first=cursor() is None,
            canonical=absolute("/"),
            share_image=absolute("/share.png"),
            og_type="website",
        )


@blueprint.get("/c/<slug>")
@public
def coalition(slug: str) -> ResponseReturnValue:
    """Who works together, and on what."""
    with reading() as session:
        ours, campaigns = queries.public_coalition(session, slug)
        return page(
            "publishing/coalition.html",
            coalition=ours,
            demo=ours.is_demo,
            members=queries.members(session, ours.id),
            campaigns=campaigns,
            to={one.id: spoken(one.targets) for one in campaigns},
            beside=queries.beside(session, campaigns),
            tones=CAMPAIGN_TONES,
            canonical=absolute(f"/c/{ours.slug}"),
            share_image=absolute(f"/c/{ours.slug}/share.png"),
            og_type="website",
        )


@blueprint.get("/campaigns/<slug>")
@public
def campaign(slug: str) -> ResponseReturnValue:
    """A demand, who can fulfill it, what they promised, and where to stand behind it."""
    with reading() as session:
        row = public_campaign(session, slug)
        return page(
            "publishing/campaign.html",
            campaign=row,
            coalition=row.coalition,
            demo=row.coalition.is_demo,
            to=spoken(row.targets),
            heads=heads(row.targets),
            commitments=timeline(session, row.id),
            beside=queries.beside(session, [row])[row.id],
            tones=TONES,
            campaign_tones=CAMPAIGN_TONES,
            canonical=absolute(f"/campaigns/{row.slug}"),
            share_image=absolute(f"/campaigns/{row.slug}/share.png"),
        )


@blueprint.get("/targets/<coalition>/<slug>")
@public
def target(coalition: str, slug: str) -> ResponseReturnValue:
    """Somebody who can act: what is asked of them, and what they promised."""
    with reading() as session:
        row = queries.public_target(session, coalition, slug)
        campaigns = public_campaigns_naming(session, row)
        ours, _ = queries.public_coalition(session, coalition)
        return page(
            "publishing/target.html",
            target=row,
            coalition=ours,
            demo=ours.is_demo,
            campaigns=campaigns,
            commitments=commitments_by(session, row.id),
            tones=TONES,
            campaign_tones=CAMPAIGN_TONES,
            canonical=absolute(f"/targets/{coalition}/{row.slug}"),
            share_image=absolute(f"/c/{coalition}/share.png"),
        )
