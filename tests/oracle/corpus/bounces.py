"""Mail about mail: what Postfix, Exim, Exchange, qmail and others send back,
receipts, and complaints."""
from . import body, header
from .ordinary import DATE, mail

FAILED = ["gone@example.net", "full@example.net", "x.y+z@example.co.uk"]


def returned(draw):
    own = f"Message-ID: <{draw.next()}.orig@example.com>\r\n"
    return (f"From: {header.mailbox(draw)}\r\nTo: {draw.one(FAILED)}\r\n"
            f"Subject: {header.text(draw)}\r\n"
            f"{own if draw.chance(.8) else ''}Date: {DATE}\r\n"
            ).encode("utf-8", "surrogateescape")


def head(draw, sender, subject, extra=()):
    return ["Return-Path: <>", f"From: {sender}", "To: ann@example.com",
            f"Subject: {subject}", f"Date: {DATE}",
            f"Message-ID: <{draw.next()}@mx.example.net>",
            "Auto-Submitted: auto-replied", "MIME-Version: 1.0", *extra]


def recipient_block(draw):
    address = draw.one(FAILED)
    action = draw.one(["failed", "failed", "delayed", "Failed (permanent)",
                       "expanded", "relayed", "delivered"])
    lines = [f"Final-Recipient: {draw.one(['rfc822; ', 'RFC822;'])}{address}"]
    if draw.chance(.5):
        lines.insert(draw.number(0, 1),
                     f"Original-Recipient: rfc822;{draw.one(FAILED)}")
    lines += [f"Action: {action}", f"Status: {draw.one(['5.1.1', '4.4.1'])}"]
    if draw.chance(.7):
        lines.append("Diagnostic-Code: smtp; 550 5.1.1 <" + address +
                     ">:\r\n    user unknown")
    return "\r\n".join(lines) + "\r\n"


def status(draw, newline="\r\n"):
    blocks = ["Reporting-MTA: dns; mx.example.net\r\nX-Postfix-Queue-ID: 4Xyz"
              f"\r\nArrival-Date: {DATE}\r\n"]
    blocks += [recipient_block(draw) for _ in range(draw.one([1, 1, 2, 3]))]
    return "\r\n".join(blocks).replace("\r\n", newline).encode()


def report(draw, sender, subject, text, original=None):
    boundary = f"4Xyz{draw.next()}.1769862896/mx.example.net"
    kind = draw.one(["message/rfc822", "text/rfc822-headers"])
    content = returned(draw)
    if kind == "message/rfc822":
        content += b"\r\nThe text.\r\n\r\nMessage-ID: <another@x>\r\n"
    parts = [(["Content-Description: Notification",
               "Content-Type: text/plain; charset=us-ascii"], text.encode()),
             (["Content-Description: Delivery report",
               "Content-Type: message/delivery-status"], status(draw)),
             (["Content-Description: Undelivered Message",
               f"Content-Type: {kind}"], original or content)]
    lines = head(draw, sender, subject, [
        "Content-Type: multipart/report; report-type=delivery-status;\r\n"
        f'\tboundary="{boundary}"'])
    return mail(lines, body.join(
        boundary, parts, b"This is a MIME-encapsulated message.\r\n\r\n"))


def postfix(draw):
    return report(draw, "MAILER-DAEMON@mx.example.net (Mail Delivery System)",
                  "Undelivered Mail Returned to Sender",
                  "This is the mail system at host mx.example.net.\r\n\r\n"
                  "I'm sorry to have to inform you that your message could not"
                  "\r\nbe delivered to one or more recipients.\r\n\r\n<" +
                  draw.one(FAILED) + ">: host x said: 550 5.1.1\r\n")


def exchange(draw):
    boundary = f"_outer_{draw.next()}_"
    inner = f"_inner_{draw.next()}_"
    words = draw.words("utf-8", 6)
    alternative = ([f'Content-Type: multipart/alternative; differences=Content-'
                    f'Type;\r\n boundary="{inner}"'],
                   body.join(inner, [
                       (['Content-Type: text/plain; charset="utf-8"'],
                        words.encode()),
                       (['Content-Type: text/html; charset="utf-8"'],
                        f"<p>{body.html_safe(words)}</p>".encode())]))
    parts = [alternative, (["Content-Type: message/delivery-status"],
                           status(draw)),
             (["Content-Type: message/rfc822"], returned(draw) + b"\r\nx\r\n")]
    return mail(head(draw, "<postmaster@example.net>",
                     "Undeliverable: " + header.text(draw),
                     ["X-MS-Exchange-Message-Is-Ndr:", "Content-Language: en",
                      'Content-Type: multipart/report; report-type=delivery-st'
                      f'atus;\r\n\tboundary="{boundary}"']),
                body.join(boundary, parts))


def exim(draw):
    address = draw.one(FAILED)
    text = ("This message was created automatically by mail delivery software."
            "\r\n\r\nA message that you sent could not be delivered to one or m"
            f"ore of its\r\nrecipients. The following address(es) failed:\r\n"
            f"\r\n  {address}\r\n    Unrouteable address\r\n\r\n------ This is "
            "a copy of the message, including all the headers. ------\r\n\r\n")
    return mail(head(draw, "Mail Delivery System <Mailer-Daemon@example.net>",
                     "Mail delivery failed: returning message to sender",
                     [f"X-Failed-Recipients: {address}"]),
                text.encode() + returned(draw) + b"\r\nHello\r\n")


def qmail(draw):
    text = ("Hi. This is the qmail-send program at example.net.\r\nI'm afraid I"
            " wasn't able to deliver your message to the following addresses."
            f"\r\n\r\n<{draw.one(FAILED)}>:\r\nSorry, no mailbox here by that n"
            "ame. (#5.1.1)\r\n\r\n--- Below this line is a copy of the message."
            "\r\n\r\n")
    return mail(["Return-Path: <>", "From: MAILER-DAEMON@example.net",
                 "To: ann@example.com", "Subject: failure notice",
                 f"Date: {DATE}"],
                text.encode() + returned(draw) + b"\r\nHello\r\n")


def receipt(draw):
    boundary = f"mdn{draw.next()}"
    parts = [(["Content-Type: text/plain"], b"Your message was read.\r\n"),
             (["Content-Type: message/disposition-notification"],
              b"Reporting-UA: x; Mail 1.0\r\nFinal-Recipient: rfc822;a@b.examp"
              b"le\r\nOriginal-Message-ID: <1@x>\r\nDisposition: manual-action"
              b"/MDN-sent-manually; displayed\r\n")]
    return mail(head(draw, "bob@example.net", "Read: hello", [
        "Content-Type: multipart/report; report-type=disposition-notification;"
        f" boundary={boundary}"]), body.join(boundary, parts))


def complaint(draw):
    boundary = f"arf{draw.next()}"
    parts = [(["Content-Type: text/plain; charset=us-ascii"],
              b"This is an email abuse report.\r\n"),
             (["Content-Type: message/feedback-report"],
              b"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n"),
             (["Content-Type: message/rfc822",
               "Content-Disposition: inline"][:draw.number(1, 2)],
              returned(draw) + b"\r\nbuy\r\n")]
    return mail(head(draw, "fbl@example.net", "FW: buy", [
        "Content-Type: multipart/report; report-type=feedback-report;"
        f' boundary="{boundary}"']), body.join(boundary, parts))


def vacation(draw):
    return mail(head(draw, header.mailbox(draw), "Re: " + header.text(draw),
                     ["Content-Type: text/plain; charset=utf-8",
                      "X-Auto-Response-Suppress: All"]),
                draw.lines("utf-8").encode())


def broken_report(draw):
    """A delivery status that is none, or only half of one."""
    whole = postfix(draw)
    return draw.one([
        lambda: whole.replace(b"Final-Recipient", b"Final-Recipent"),
        lambda: whole.replace(b"Action:", b"Axtion:").replace(
            b"Status:", b"Stotus:"),
        lambda: whole.replace(b"message/delivery-status", b"text/plain"),
        lambda: whole.replace(b"multipart/report", b"multipart/mixed"),
        lambda: whole.replace(b"Content-Type: message/delivery-status\r\n",
                              b"Content-Type: message/delivery-status\r\n"
                              b"Content-Disposition: attachment\r\n"),
        lambda: whole[:len(whole) * 2 // 3]])()


ALL = [postfix, exchange, exim, qmail, receipt, complaint, vacation,
       broken_report]
