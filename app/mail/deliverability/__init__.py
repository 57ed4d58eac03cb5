"""What the world's mail servers will think of our sending domain: its records looked up, judged, and put into words."""

from app.mail.deliverability.asking import Asker, Silent
from app.mail.deliverability.checking import check
from app.mail.deliverability.finding import Finding, Grade, Record
from app.mail.deliverability.sending import Sending, sending

__all__ = ["Asker", "Finding", "Grade", "Record", "Sending", "Silent", "check", "sending"]
