"""What is said of bounces, found with Python's `email` instead: mailparser
knows nothing of them. Only mails in which `email` finds no defect are judged;
what it makes of broken ones is no better than what we do."""
import email
import re

SENDERS = ["mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon"]
SUBJECTS = ["delivery", "bounce", "failure", "undelivered", "returned",
            "undeliverable", "could not be delivered", "not delivered"]
FIELDS = ["original-envelope-id:", "reporting-mta:", "final-recipient:",
          "action: failed", "action: delayed", "diagnostic-code:",
          "remote-mta:", "x-postfix-queue-id:"]
RETURNED = ["message/rfc822", "text/rfc822-headers", "message/global",
            "message/global-headers"]
UNSURE = object()


def address(value):
    if value is None:
        return None
    text = re.sub(r"\r?\n[ \t]*", " ", value).partition(";")[2] or value
    text = text.strip()
    match = re.fullmatch(r"<(.*)>", text)
    return (match[1] if match else text) or None


def groups(message):
    """The recipients of the first well-formed delivery status, and the id of
    the first message returned behind it."""
    found, original = [], None
    for part in leaves(message):
        kind = part.get_content_type()
        if kind == "message/delivery-status" and not found:
            found = [block for block in part.get_payload()
                     if address(block["Final-Recipient"]) and
                     (block["Action"] or block["Status"])]
        elif kind in RETURNED and found and original is None:
            inner = part.get_payload()
            inner = inner[0] if isinstance(inner, list) else \
                email.message_from_string(inner)
            original = UNSURE if inner.defects else inner["Message-ID"]
    return found, original


def leaves(message):
    """Without what stands inside of messages inside."""
    if message.get_content_maintype() == "multipart" and \
            message.is_multipart():
        for part in message.get_payload():
            yield from leaves(part)
    else:
        yield message


def failed(block):
    if block["Action"]:
        return block["Action"].lower().startswith("failed")
    return (block["Status"] or "").startswith("5.")


def judged(source):
    """The mail, if it is whole."""
    message = email.message_from_bytes(source)
    if b"\0" in source or not source.isascii() or any(
            part.defects or "\n--" in (part.epilogue or "")
            for part in message.walk()):
        return None
    return message


def expected(source, payload, sender):
    message = judged(source)
    if message is None:
        return {}
    found, original = groups(message)
    lost = [block for block in found if failed(block)]
    first = (lost or found or [None])[0]
    recipients = [address(block["Final-Recipient"]) for block in lost]
    report = message.get_content_type() == "multipart/report" and \
        message.get_param("report-type") not in (
            "disposition-notification", "feedback-report")
    signs = report or any(
        word in payload[field].lower() for field, words in
        [("from", SENDERS), ("subject", SUBJECTS), ("text_body", FIELDS)]
        for word in words)
    fields = {
        "is_bounce": bool(found) or (sender == "" and signs),
        "failed_recipients": list(dict.fromkeys(recipients)),
        "final_recipient": first and address(first["Final-Recipient"]),
        "original_recipient": first and address(first["Original-Recipient"]),
        "original_message_id": original,
    }
    return {name: value for name, value in fields.items()
            if value is not UNSURE}
