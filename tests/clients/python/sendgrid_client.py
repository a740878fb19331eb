"""The library sendgrid."""

from cases import FROM, HEADERS, PEOPLE, SUBJECT, TEXT, given, tell
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Header, Mail, To


def attempt():
    to = [To(one, substitutions={"-name-": one}) for one in PEOPLE]
    mail = Mail(FROM, to, SUBJECT, plain_text_content=TEXT + " -name-", is_multiple=True)
    for name, value in HEADERS.items():
        mail.header = Header(name, value)
    answer = SendGridAPIClient(given["key"], host=given["url"]).send(mail)
    return {"status": answer.status_code, "id": answer.headers["X-Message-Id"], "body": answer.body.decode()}


tell(attempt)
