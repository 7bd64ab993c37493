"""The key that mail of the tests is signed with, and its record."""

import base64
import os
import subprocess

PATH = os.path.join(
    os.path.dirname(os.path.realpath(__file__)), "..", "keys", "rsa2048.pem")

with open(PATH, "rb") as file:
    KEY = file.read()


def record(tags="v=DKIM1; k=rsa;"):
    """The strings of a TXT record, none of which may be longer than 255."""
    der = subprocess.run(
        ["openssl", "pkey", "-pubout", "-outform", "DER"],
        input=KEY, stdout=subprocess.PIPE, check=True).stdout
    text = tags + " p=" + base64.b64encode(der).decode()
    return [text[:200], text[200:]]
