"""django-newsletter, a whole tool: subscribers, a message, its submission, sent by SMTP as `argv` says."""

import io
import logging
import sys
import tempfile
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import django  # noqa: E402
from cases import FROM, PEOPLE, SUBJECT, given, tell  # noqa: E402
from django.conf import settings  # noqa: E402

FOLDER = Path(tempfile.mkdtemp())
settings.configure(
    SECRET_KEY="x",
    USE_TZ=True,
    SITE_ID=1,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sites",
        "sorl.thumbnail",
        "newsletter",
    ],
    ROOT_URLCONF="newsletter.urls",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=given["smtp"],
    EMAIL_HOST_USER=sys.argv[1],
    EMAIL_HOST_PASSWORD=given["secret"],
    MEDIA_ROOT=str(FOLDER),
    NEWSLETTER_RICHTEXT_WIDGET="django.forms.Textarea",
)
django.setup()

from django.contrib.sites.models import Site  # noqa: E402
from django.core.management import call_command  # noqa: E402
from newsletter.models import Article, Message, Newsletter, Submission, Subscription  # noqa: E402


def attempt():
    call_command("migrate", verbosity=0)
    letter = Newsletter.objects.create(title="News", slug="news", sender="Acme", email=FROM)
    letter.site.set([Site.objects.get_current()])
    for one in PEOPLE:
        Subscription.objects.create(newsletter=letter, email_field=one, subscribed=True)
    message = Message.objects.create(newsletter=letter, title=SUBJECT, slug="m1")
    Article.objects.create(
        post=message, title="Workshop", text="We opened a workshop on 12 March.", sortorder=1
    )
    submission = Submission.from_message(message)
    submission.prepared = True
    submission.save()
    logged = io.StringIO()
    logging.getLogger("newsletter").addHandler(logging.StreamHandler(logged))
    submission.submit()
    return {"sent": submission.sent, "logged": logged.getvalue()}


tell(attempt)
