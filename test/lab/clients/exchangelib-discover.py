"""Runs exchangelib's Autodiscover for one address and prints one JSON line.

Usage: exchangelib-discover.py pox|soap ADDRESS USER, with the password in CLIENT_PASSWORD, under Debian's /usr/bin/python3.
"""

import glob
import json
import os
import sys
import tempfile

from exchangelib import Credentials
from exchangelib.autodiscover.discovery.pox import PoxAutodiscovery
from exchangelib.autodiscover.discovery.soap import SoapAutodiscovery

mode, address, user = sys.argv[1:]
# A cache from an earlier run would skip discovery.
for folder in (tempfile.gettempdir(), os.path.expanduser("~")):
    for file in glob.glob(os.path.join(folder, "**", "exchangelib*cache*"), recursive=True):
        os.unlink(file)

discovery = {"pox": PoxAutodiscovery, "soap": SoapAutodiscovery}[mode]
outcome = {"client": "exchangelib", "mode": mode, "address": address}
try:
    credentials = Credentials(user, os.environ["CLIENT_PASSWORD"])
    found, protocol = discovery(email=address, credentials=credentials).discover()
    outcome["ok"] = True
    outcome["ewsUrl"] = protocol.config.service_endpoint
    outcome["version"] = str(protocol.config.version)
    outcome["authType"] = protocol.config.auth_type
    outcome["smtpAddress"] = found.autodiscover_smtp_address
except Exception as error:  # whatever the client raises is its outcome
    outcome["ok"] = False
    outcome["error"] = type(error).__name__
    outcome["message"] = str(error)
print(json.dumps(outcome))
