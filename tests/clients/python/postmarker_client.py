"""The library postmarker."""

from cases import FROM, HEADERS, PEOPLE, SUBJECT, TEXT, given, tell
from postmarker.core import PostmarkClient


def attempt():
    client = PostmarkClient(server_token=given["token"], root_api_url=given["url"] + "/")
    mails = [
        client.emails.Email(From=FROM, To=one, Subject=SUBJECT, TextBody=TEXT, Headers=HEADERS)
        for one in PEOPLE
    ]
    if len(mails) > 1:
        return {"batch": client.emails.send_batch(*mails)}
    return mails[0].send()


tell(attempt)
