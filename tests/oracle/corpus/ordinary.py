"""Plainly ordinary mail, as today's large mailers, lists and shops write it."""
import base64
import quopri

from . import body, header

DATE = "Sat, 31 Jan 2026 12:34:56 +0000"


def envelope_lines(draw, to=True):
    lines = ["Return-Path: <ann@example.org>",
             "Received: from mx.example.org (mx.example.org [192.0.2.7])\r\n"
             "\tby mail.example.com with ESMTPS id 4XyZ;\r\n\t" + DATE,
             "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
             "        d=example.org; s=20230601; t=1769862896;\r\n"
             "        h=to:subject:message-id:date:from:mime-version;\r\n"
             "        bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n"
             "        b=abcdef+/=="]
    lines.append(f"From: {header.mailbox(draw)}")
    if to:
        lines.append(f"To: {header.address_list(draw)}")
    if draw.chance(.3):
        lines.append(f"Cc: {header.address_list(draw)}")
    lines += [f"Subject: {header.text(draw)}", "Date: " + DATE,
              f"Message-ID: <{draw.next()}.x@example.org>",
              "MIME-Version: 1.0"]
    if draw.chance(.4):
        lines += ["In-Reply-To: <1@example.com>",
                  "References: <0@example.com>\r\n <1@example.com>"]
    return lines


def quoted(text):
    return quoted_in(text, "utf-8")


def wrapped(data):
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def mail(lines, content):
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + \
        b"\r\n\r\n" + content


def paragraphs(draw):
    return [draw.words("utf-8", draw.number(3, 25))
            for _ in range(draw.number(1, 5))]


def gmail(draw):
    boundary = f"000000000000{draw.next():08x}0618ad2b{draw.number(10, 99)}"
    texts = paragraphs(draw)
    plain = "\r\n\r\n".join(texts) + "\r\n\r\nOn Sat, Jan 31, 2026 at 9:15 AM "\
        "Bob <bob@example.com> wrote:\r\n\r\n> " + texts[0] + "\r\n>\r\n"
    page = '<div dir="ltr">' + "".join(
        f"<div>{body.html_safe(text)}</div><div><br></div>" for text in texts)\
        + '</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr'\
        '">On Sat, Jan 31, 2026 Bob &lt;<a href="mailto:bob@example.com">'\
        'bob@example.com</a>&gt; wrote:<br></div><blockquote class="gmail_quot'\
        f'e" style="margin:0px">{body.html_safe(texts[0])}</blockquote></div>'
    parts = [(['Content-Type: text/plain; charset="UTF-8"',
               "Content-Transfer-Encoding: quoted-printable"], quoted(plain)),
             (['Content-Type: text/html; charset="UTF-8"',
               "Content-Transfer-Encoding: quoted-printable"],
              quoted(page + "\r\n"))]
    if draw.chance(.4):
        return with_file(draw, boundary, parts)
    lines = envelope_lines(draw) + [
        f'Content-Type: multipart/alternative; boundary="{boundary}"']
    return mail(lines, body.join(boundary, parts))


def with_file(draw, boundary, parts):
    inner = boundary[::-1]
    alternative = ([f'Content-Type: multipart/alternative; boundary="{inner}"'],
                   body.join(inner, parts))
    name = header.file_name(draw).replace("\\", "").replace('"', "")
    attached = (['Content-Type: application/pdf' +
                 header.parameter(draw, "name", name),
                 'Content-Disposition: attachment' +
                 header.parameter(draw, "filename", name),
                 "Content-Transfer-Encoding: base64",
                 f"Content-ID: <f_{draw.next()}>",
                 f"X-Attachment-Id: f_{draw.next()}"],
                wrapped(draw.random.randbytes(draw.number(1, 5000))))
    lines = envelope_lines(draw) + [
        f'Content-Type: multipart/mixed; boundary="{boundary}"']
    return mail(lines, body.join(boundary, [alternative, attached]))


def outlook(draw):
    outer = f"_004_AM0PR{draw.next()}_"
    inner = f"_000_AM0PR{draw.next()}_"
    texts = paragraphs(draw)
    plain = "\r\n".join(texts) + "\r\n\r\n________________________________"\
        "\r\nFrom: Bob <bob@example.com>\r\nSent: Saturday\r\n"
    page = ('<html>\r\n<head>\r\n<meta http-equiv="Content-Type" content="text/'
            'html; charset=iso-8859-1">\r\n<style type="text/css" style="displa'
            'y:none;"> P {margin-top:0;margin-bottom:0;} </style>\r\n</head>'
            '\r\n<body dir="ltr">\r\n' + "".join(
                '<p class="MsoNormal"><span lang="DE">' + body.html_safe(text) +
                "<o:p></o:p></span></p>\r\n" for text in texts) +
            '<img src="cid:image001.png@01DA.B2" width="5">\r\n</body>\r\n'
            '</html>\r\n')
    codec = draw.one(["iso-8859-1", "utf-8", "windows-1252", "us-ascii"])
    encode = lambda text: quoted_in(text, codec)
    parts = [([f'Content-Type: text/plain; charset="{codec}"',
               "Content-Transfer-Encoding: quoted-printable"], encode(plain)),
             ([f'Content-Type: text/html; charset="{codec}"',
               "Content-Transfer-Encoding: quoted-printable"], encode(page))]
    image = (['Content-Type: image/png; name="image001.png"',
              "Content-Description: image001.png",
              'Content-Disposition: inline; filename="image001.png"; size=400;'
              '\r\n\tcreation-date="Sat, 31 Jan 2026 12:00:00 GMT"',
              "Content-ID: <image001.png@01DA.B2>",
              "Content-Transfer-Encoding: base64"],
             wrapped(draw.random.randbytes(400)))
    lines = envelope_lines(draw) + [
        "Thread-Topic: " + header.text(draw), "Thread-Index: AQHa==",
        "Accept-Language: en-US", "X-MS-Has-Attach: yes",
        "X-MS-TNEF-Correlator:", "Content-Language: en-US",
        f'Content-Type: multipart/related;\r\n\tboundary="{outer}";\r\n'
        '\ttype="multipart/alternative"']
    alternative = ([f'Content-Type: multipart/alternative;\r\n\tboundary='
                    f'"{inner}"'], body.join(inner, parts))
    return mail(lines, body.join(outer, [alternative, image]))


def quoted_in(text, codec):
    data = text.encode(codec, "replace").replace(b"\r\n", b"\n")
    return quopri.encodestring(data).replace(b"\n", b"\r\n")


def apple(draw):
    outer = f"Apple-Mail=_{draw.next():08X}-4E5F"
    texts = paragraphs(draw)
    plain = " \r\n".join(texts) + "\r\n\r\n"
    parts = [(["Content-Transfer-Encoding: quoted-printable",
               "Content-Type: text/plain;\r\n\tcharset=utf-8;\r\n\tdelsp=yes;"
               "\r\n\tformat=flowed"], quoted(plain)),
             (['Content-Disposition: inline;\r\n\tfilename*=utf-8\'\'Foto%20'
               'gr%C3%BCn.jpeg', 'Content-Type: image/jpeg;\r\n\tname="=?utf-8'
               '?Q?Foto_gr=C3=BCn=2Ejpeg?="\r\n',
               "Content-Transfer-Encoding: base64"][0:1] +
              ["Content-Type: image/jpeg; x-unix-mode=0644",
               "Content-Transfer-Encoding: base64"],
              wrapped(draw.random.randbytes(700))),
             (["Content-Transfer-Encoding: 7bit",
               "Content-Type: text/plain;\r\n\tcharset=us-ascii"],
              b"\r\n\r\nSent from my iPhone\r\n")]
    lines = envelope_lines(draw) + [
        "X-Mailer: Apple Mail (2.3774.300.61.1.2)",
        f'Content-Type: multipart/mixed;\r\n\tboundary="{outer}"',
        "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3774\\))"]
    return mail(lines, body.join(outer, parts))


def mailing_list(draw):
    label, codec = draw.one([("utf-8", "utf-8"), ("iso-8859-1", "iso8859-1"),
                             ("us-ascii", "ascii")])
    text = draw.lines(codec) + "_" * 47 + "\r\nlist mailing list\r\n"\
        "list@lists.example.org\r\nhttps://lists.example.org/list\r\n"
    lines = envelope_lines(draw) + [
        "Sender: list-bounces@lists.example.org", "Precedence: list",
        "List-Id: A list <list.lists.example.org>",
        "List-Unsubscribe: <https://lists.example.org/o>,\r\n"
        " <mailto:list-request@lists.example.org?subject=unsubscribe>",
        "List-Post: <mailto:list@lists.example.org>",
        f"Content-Type: text/plain; charset={label}",
        "Content-Transfer-Encoding: 8bit"]
    return mail(lines, text.encode(codec))


def newsletter(draw):
    rows = "".join(
        f'<tr><td style="padding:8px" align="center"><a href="https://e.example'
        f'/c?u={draw.next()}&amp;id=7">{body.html_safe(text)}</a></td>'
        f'<td>{draw.number(1, 99)}&nbsp;&euro;</td></tr>\r\n'
        for text in paragraphs(draw))
    page = ('<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "ht'
            'tp://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\r\n<html x'
            'mlns="http://www.w3.org/1999/xhtml"><head><title>News</title><styl'
            'e>@media only screen {td{width:100%}}</style></head><body><div sty'
            'le="display:none">preheader</div><table width="600">\r\n' + rows +
            '</table><p><a href="https://e.example/u">Unsubscribe</a></p><img s'
            'rc="https://e.example/o.gif" width="1" height="1"></body></html>')
    lines = envelope_lines(draw) + [
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "X-Mailer: Mailer 5", "Feedback-ID: 1:2:3:shop"]
    plain = (['Content-Type: text/plain; charset="utf-8"',
              "Content-Transfer-Encoding: base64"],
             wrapped("\r\n".join(paragraphs(draw)).encode()))
    shown = (['Content-Type: text/html; charset="utf-8"',
              "Content-Transfer-Encoding: quoted-printable"], quoted(page))
    if draw.chance(.5):
        return mail(lines + shown[0], shown[1])
    boundary = f"b1_{draw.next():032x}"
    lines.append(f'Content-Type: multipart/alternative;\r\n boundary='
                 f'"{boundary}"')
    return mail(lines, body.join(boundary, [plain, shown]))


def calendar(draw):
    boundary = f"_cal_{draw.next()}"
    event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT"\
        "\r\nSUMMARY:" + draw.words("utf-8", 3) + "\r\nEND:VEVENT\r\n"\
        "END:VCALENDAR\r\n"
    parts = [(["Content-Type: text/plain; charset=utf-8"],
              ("\r\n".join(paragraphs(draw))).encode()),
             (["Content-Type: text/html; charset=utf-8"],
              body.html(draw, "utf-8").encode()),
             (["Content-Type: text/calendar; charset=utf-8; method=REQUEST",
               "Content-Transfer-Encoding: 7bit"], event.encode())]
    lines = envelope_lines(draw) + [
        f"Content-Type: multipart/alternative; boundary={boundary}"]
    return mail(lines, body.join(boundary, parts))


def signed(draw):
    boundary = f"----{draw.next():032X}"
    inner = body.multipart(draw) if draw.chance(.5) else body.shown(
        draw, "plain")
    signature = (['Content-Type: application/pkcs7-signature; name="smime.p7s"',
                  "Content-Transfer-Encoding: base64", 'Content-Disposition: '
                  'attachment; filename="smime.p7s"'],
                 wrapped(draw.random.randbytes(900)))
    lines = envelope_lines(draw) + [
        'Content-Type: multipart/signed; protocol="application/x-pkcs7-signatu'
        f're"; micalg="sha-256"; boundary="{boundary}"']
    return mail(lines, b"This is an S/MIME signed message\r\n\r\n" +
                body.join(boundary, [inner, signature]))


def plain(draw):
    lines, content = body.shown(draw, "plain")
    return mail(envelope_lines(draw) + lines, content)


def bare(draw):
    """As `mail` or a script writes it: no MIME at all."""
    text = draw.lines(draw.one(["ascii", "utf-8"]))
    return mail([f"From: {header.mailbox(draw)}", f"To: {header.mailbox(draw)}",
                 "Subject: " + draw.words("ascii", 3)], text.encode())


ALL = [gmail, outlook, apple, mailing_list, newsletter, calendar, signed,
       plain, bare]
