"""The kill switch while the gateway serves: from the command line, over SMTP and HTTP, over a restart."""

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.flow.harness import Client, Gateway, Sink, eventually, mail, policies
