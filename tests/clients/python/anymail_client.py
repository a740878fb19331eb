"""django-anymail, with the back end that its first argument names."""

import sys
import warnings

warnings.simplefilter("ignore")

import django  # noqa: E402
from cases import FROM, HEADERS, PEOPLE, SUBJECT, TEXT, given, tell  # noqa: E402
from django.conf import settings  # noqa: E402

BACKEND = sys.argv[1]
settings.configure(
    ALLOWED_HOSTS=["*"],
    EMAIL_BACKEND=f"anymail.backends.{BACKEND}.EmailBackend",
    ANYMAIL={
        "SENDGRID_API_KEY": given["key"],
        "SENDGRID_API_URL": given["url"] + "/v3/",
        "MAILGUN_API_KEY": given["key"],
        "MAILGUN_API_URL": given["url"] + "/v3/",
        "POSTMARK_SERVER_TOKEN": given["token"],
        "POSTMARK_API_URL": given["url"] + "/",
    },
)
django.setup()

from django.core.mail import EmailMultiAlternatives  # noqa: E402


def attempt():
    mail = EmailMultiAlternatives(SUBJECT, TEXT, FROM, PEOPLE, headers=HEADERS)
    mail.attach_alternative(f"<p>{TEXT}</p>", "text/html")
    mail.merge_metadata = {one: {"person": str(n)} for n, one in enumerate(PEOPLE)}
    mail.metadata = {"campaign_id": "c1"}
    mail.tags = ["spring"]
    mail.send()
    status = mail.anymail_status
    people = {a: [s.status, s.message_id] for a, s in status.recipients.items()}
    return {"status": sorted(map(str, status.status)), "people": people}


tell(attempt)
