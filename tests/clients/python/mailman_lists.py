"""Mailman, before it runs: a list for each case, with its members. `argv` are the settings and the cases."""

import datetime as dt
import json
import sys

from mailman.app.lifecycle import create_list
from mailman.config import config
from mailman.core.initialize import initialize
from mailman.interfaces.action import Action
from mailman.interfaces.domain import IDomainManager
from mailman.interfaces.member import MemberRole
from mailman.interfaces.usermanager import IUserManager
from zope.component import getUtility

initialize(sys.argv[1])
getUtility(IDomainManager).add("lists.acme.test")
users = getUtility(IUserManager)
for name, people in json.loads(sys.argv[2]).items():
    letters = create_list(f"{name}@lists.acme.test", ["owner@acme.test"])
    letters.default_nonmember_action = Action.accept
    for one in people:
        address = users.get_address(one) or users.create_address(one, one.partition("@")[0])
        address.verified_on = dt.datetime(2026, 1, 1)  # noqa: DTZ001  # as Mailman keeps it
        letters.subscribe(address, MemberRole.member, send_welcome_message=False)
config.db.commit()
