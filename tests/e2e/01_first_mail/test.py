"""The main job: mail from ordinary clients reaches Phoenix as JSON."""

import base64
import email.message
import email.utils
import hashlib
import hmac
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))

from stack import KEY, check, eventually, run, same

PICTURE = bytes(range(256)) * 40


def arrived(phoenix):
    eventually(lambda: phoenix.delivered() == 1, "it arrives")
    [post] = phoenix.posts()
    return post


def whole_letter():
    message = email.message.EmailMessage()
    message["From"] = "Zoë Müller <zoe@remote.test>"
    message["To"] = "Bob <bob@example.com>, carol@example.com"
    message["Subject"] = "Grüße aus Köln"
    message["Message-ID"] = "<one@remote.test>"
    message["Date"] = email.utils.formatdate(0)
    message.set_content("Guten Tag,\nhier ist das Bild.\n.\nZoë\n")
    message.add_alternative(
        "<p>Guten Tag,<br>hier ist das Bild.</p>", subtype="html"
    )
    message.add_attachment(
        PICTURE, maintype="image", subtype="png", filename="köln.png"
    )
    return message


def story_text_html_and_an_attachment_by_smtplib(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    agent = stack.deliver()
    [id] = stack.send(smtpd, whole_letter())
    post = arrived(phoenix)
    body, headers = post["body"], post["headers"]
    same(body["message_id"], id, "message_id")
    same(body["from"], '"Zoë Müller" <zoe@remote.test>', "from")
    same(body["to"], '"Bob" <bob@example.com>, carol@example.com', "to")
    same(body["subject"], "Grüße aus Köln", "subject")
    same(body["rcpt_to"], "bob@example.com", "rcpt_to")
    same(body["mail_from"], "alice@remote.test", "mail_from")
    same(
        body["text_body"].rstrip("\n"),
        "Guten Tag,\nhier ist das Bild.\n.\nZoë",
        "text_body",
    )
    check("<br>hier ist das Bild" in body["html_body"], "html_body")
    [attachment] = body["attachments"]
    same(attachment["filename"], "köln.png", "filename")
    same(attachment["content_type"], "image/png", "content_type")
    same(attachment["size"], len(PICTURE), "size")
    same(base64.b64decode(attachment["content"]), PICTURE, "content")
    same(body["attachment_count"], 1, "attachment_count")
    same(body["authenticated"], False, "authenticated")
    same(body["is_bounce"], False, "is_bounce")
    same(headers["content-type"], "application/json", "Content-Type")
    same(headers["x-api-key"], KEY, "X-API-Key")
    same(headers["x-message-id"], id, "X-Message-Id")
    same(headers["x-idempotency-key"], id + ":0", "X-Idempotency-Key")
    same(headers["x-delivery-attempt"], "1", "X-Delivery-Attempt")
    check(
        headers["user-agent"].startswith("elektrine-spool/"), "User-Agent"
    )
    check("expect" not in headers, "no Expect")
    check("x-forwarded-proto" not in headers, "no X-Forwarded-Proto")
    stack.queue_empties()
    event = agent.wait_event("webhook_delivered")[0]
    same((event["id"], event["status"]), (id, 200), "log")
    agent.stop()
    smtpd.stop()


def story_one_post_for_each_recipient(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver()
    names = ["r%d@example.com" % number for number in range(20)]
    [id] = stack.send(smtpd, rcpt=names)
    eventually(lambda: phoenix.delivered() == 20, "all of them arrive")
    posts = phoenix.posts()
    same({p["body"]["rcpt_to"] for p in posts}, set(names), "recipients")
    same(
        {p["headers"]["x-idempotency-key"] for p in posts},
        {"%s:%d" % (id, number) for number in range(20)},
        "keys",
    )
    stack.queue_empties()


def story_swaks(stack):
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver()
    path = os.path.join(stack.dir, "picture.png")
    with open(path, "wb") as file:
        file.write(PICTURE)
    subprocess.run(
        [
            "swaks",
            "--server",
            "127.0.0.1:%d" % smtpd.port,
            "--from",
            "alice@remote.test",
            "--to",
            "bob@example.com",
            "--header",
            "Subject: from swaks",
            "--body",
            "Hello from swaks.",
            "--attach-type",
            "image/png",
            "--attach-name",
            "picture.png",
            "--attach",
            "@" + path,
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
    body = arrived(phoenix)["body"]
    same(body["subject"], "from swaks", "subject")
    check("Hello from swaks." in body["text_body"], "text_body")
    [attachment] = body["attachments"]
    same(base64.b64decode(attachment["content"]), PICTURE, "content")


def story_curl(stack):
    check(shutil.which("curl"), "curl is installed")
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    stack.deliver()
    path = os.path.join(stack.dir, "letter.eml")
    with open(path, "wb") as file:
        file.write(whole_letter().as_bytes().replace(b"\n", b"\r\n"))
    subprocess.run(
        [
            "curl",
            "--silent",
            "--show-error",
            "--max-time",
            "30",
            "smtp://127.0.0.1:%d" % smtpd.port,
            "--mail-from",
            "alice@remote.test",
            "--mail-rcpt",
            "bob@example.com",
            "--upload-file",
            path,
        ],
        check=True,
        timeout=60,
    )
    body = arrived(phoenix)["body"]
    same(body["subject"], "Grüße aus Köln", "subject")
    same(len(body["attachments"]), 1, "attachments")


def story_a_signed_webhook(stack):
    """Standard Webhooks, as a receiver checks it."""
    secret = base64.b64encode(b"0123456789abcdef01234567").decode()
    phoenix = stack.phoenix()
    phoenix.control(keep_raw=True)
    smtpd = stack.smtpd()
    stack.deliver(WEBHOOK_SIGNING_SECRET="whsec_" + secret)
    [id] = stack.send(smtpd, whole_letter())
    post = arrived(phoenix)
    headers = post["headers"]
    same(headers["webhook-id"], id + ":0", "webhook-id")
    signed = "%s.%s." % (headers["webhook-id"], headers["webhook-timestamp"])
    digest = hmac.new(
        base64.b64decode(secret),
        signed.encode() + base64.b64decode(post["raw"]),
        hashlib.sha256,
    ).digest()
    same(
        headers["webhook-signature"],
        "v1," + base64.b64encode(digest).decode(),
        "webhook-signature",
    )


def story_bounces_are_not_posted(stack):
    """DELIVER_BOUNCES=false: recorded, and that is all."""
    phoenix = stack.phoenix()
    smtpd = stack.smtpd()
    agent = stack.deliver(DELIVER_BOUNCES="false")
    report = email.message.EmailMessage()
    report["From"] = "MAILER-DAEMON@remote.test"
    report["To"] = "bob@example.com"
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report.set_content("Final-Recipient: rfc822; x@remote.test\n")
    [id] = stack.send(smtpd, report, sender="")
    event = agent.wait_event("webhook_delivered")[0]
    same((event["id"], event["reason"]), (id, "bounce_not_posted"), "log")
    stack.queue_empties()
    same(phoenix.posts(), [], "posts")


run(globals())
