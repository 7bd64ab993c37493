"""Deliberate differences that lie in the result: each rule rewrites what
mailparser said of a mail into what we promise to say. It is tried only where
the two differ, and counts only if it changes something. DIFFERENCES.md has the
reasons, by the same names."""
import html
import re

RULES = []


def rule(*fields):
    def add(function):
        RULES.append((function, fields))
        return function
    return add


def one_address(entry):
    address, name = entry.get("address") or "", entry.get("name") or ""
    if not name:
        return address
    return f'"{name}" <{address}>' if address else f'"{name}"'


def listed(entries, group_name):
    return ", ".join(
        group_name(entry["name"]) +
        ", ".join(map(one_address, entry["group"])) + ";"
        if "group" in entry else one_address(entry) for entry in entries)


def documented(name):
    return name + ": "


@rule("from", "to")
def group_name_without_quotes(value, want, field):
    entries = want[field + "_list"]
    if not any("group" in entry for some in entries for entry in some):
        return value
    return ", ".join(listed(some, documented) for some in entries
                     if some or len(entries) == 1) or value


@rule("to")
def several_to_are_joined(value, want, field):
    entries = want["to_list"]
    if len(entries) < 2:
        return value
    return ", ".join(filter(None, (
        listed(some, documented) for some in entries))) or value


@rule("from", "to")
def international_domain_as_it_came(value, want, field):
    got = want["got"] or ""

    def again(match):
        labels = []
        for label in match[1].split("."):
            ascii = "xn--" + label.encode("punycode").decode()
            known = not label.isascii() and ascii in got
            labels.append(ascii if known else label)
        return "@" + ".".join(labels)
    return re.sub(r"@([^\s<>,;\"]+)", again, value)


@rule("html_body")
def text_among_html(value, want, field):
    """The characters themselves, and no links that nobody wrote."""
    for text, made in sorted(want["fragments"], key=lambda both:
                             -len(both[1])):  # one may hold another
        value = value.replace(made, plain_html(text))
    return value


JS_BLANKS = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + \
    "".join(map(chr, range(0x2000, 0x200b)))


def plain_html(text):
    text = html.escape(text).replace("&#x27;", "&apos;")
    text = re.sub(r"[ \t]+(?=[\n\r\u2028\u2029]|\Z)", "",
                  text.replace("\r\n", "\n").strip(JS_BLANKS))
    text = text.strip(JS_BLANKS)
    return "<p>" + re.sub(r"\n\n+", "</p><p>", text).replace(
        "\n", "<br/>") + "</p>"


@rule("text_body")
def text_of_html_always(value, want, field):
    """mailparser makes it only where HTML is the root."""
    if value or not want["html_body"]:
        return value
    return "\n".join(want["texts_of_html"])


@rule("from", "to", "subject", "text_body", "html_body", "headers",
      "filename", "content_id", "content_type")
def nul_is_replaced(value, want, field):
    return value.replace("\0", "\ufffd")


CP1252 = {bytes([i]).decode("cp1252"): i for i in range(128, 160)
          if i not in (0x81, 0x8d, 0x8f, 0x90, 0x9d)}


@rule("from", "to", "subject", "headers")
def encoded_twice(value, want, field):
    """UTF-8 that was read as Latin-1 upstream is mended where that is sure."""
    try:
        data = bytes(CP1252.get(c, ord(c)) for c in value)
        return data.decode()
    except ValueError:
        return value


@rule("content_type")
def types_beyond_ascii(value, want, field):
    """mailparser reads and lowers them as Latin-1."""
    got = want["got"] or ""
    return got if plain(value) == plain(got) else value


def plain(text):
    return re.sub(r"[^\x00-\x7f]+", "?", text)


@rule("from", "to", "subject", "headers")
def blanks_beside_undecoded_words(value, want, field):
    """Blanks go between words that are decoded, and stay beside others."""
    got = want["got"] or ""
    return got if "=?" in value and "".join(value.split()) == "".join(
        got.split()) else value


@rule("subject", "headers", "content_type", "html_body")
def blanks_that_only_javascript_knows(value, want, field):
    got = want["got"] or ""
    less = {"content_type": [re.split("[\v\f]", got)[0],
                             re.sub("[\v\f]", "", got)],
            "html_body": [re.sub("(?<=<p>)[\v\f\xa0]+|[\v\f\xa0]+(?=</p>)",
                                 "", got)]}
    return got if value in less.get(field, [got.strip()]) else value


@rule("filename")
def name_as_utf8(value, want, field):
    """A last byte A0, to JavaScript a blank, is lost besides."""
    for end in ("", "\xa0"):
        try:
            return (value + end).encode("latin-1").decode()
        except UnicodeDecodeError:
            pass
        except UnicodeEncodeError:
            return value
    return value.encode("latin-1").decode(errors="replace")


@rule("filename")
def percent_in_names(value, want, field):
    if re.search(r"%(?![0-9A-Fa-f]{2})", value):
        return value
    data = re.sub(rb"%([0-9A-Fa-f]{2})",
                  lambda match: bytes([int(match[1], 16)]), value.encode())
    try:
        return data.decode()
    except ValueError:
        return value


@rule("filename")
def name_without_path(value, want, field):
    name = re.split(r"[/\\]", value)[-1].strip()
    if name in ("", ".", ".."):
        return f"attachment_{want['path'][1]}"
    return name


@rule("filename")
def name_without_controls(value, want, field):
    return "".join(c for c in value if c >= " " and not
                   "\x7f" <= c < "\xa0" and c not in
                   "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@rule("text_body")
def title_in_text(value, want, field):
    """A title is no text, wherever somebody wrote it."""
    match = re.search(r"<title>([^<]*(?:</[a-z]*\Z)?)", want["html_body"], re.I)
    if match is None:
        return value
    got = want["got"] or ""
    for found in re.finditer(re.escape(html.unescape(match[1])), value):
        less = value[:found.start()] + value[found.end():]
        if without_blanks(less) == without_blanks(got):
            return got if less.split() == got.split() else less
    return value


@rule("text_body", "html_body", "subject", "headers", "from", "to")
def question_marks_of_the_japanese_decoder(value, want, field):
    got = want["got"] or ""
    same = "\ufffd" in got and value.count("?") >= got.count("?") and \
        re.sub("[?\ufffd]", "", value) == re.sub("[?\ufffd]", "", got)
    return got if same else value


@rule("text_body", "html_body")
def boundary_cut_at_the_end(value, want, field):
    """The last line of a mail that was cut there is text."""
    got = want["got"] or ""
    return got if re.fullmatch(re.escape(value.rstrip()) + r"\s*--\S+-\s*(?:"
                               r"</p>)?", got) else value


@rule("text_body")
def tags_that_never_end(value, want, field):
    """Declarations and end tags."""
    match = re.search(r"<(?:!([^>]*)|/[^>]*)\Z", want["html_body"])
    got = want["got"] or ""
    if match is None:
        return value
    less = without_blanks(value).replace(
        without_blanks(match[1] or match[0]), "", 1)
    return got if less == without_blanks(got) else value


@rule("text_body", "html_body")
def carriage_returns_before_line_ends(value, want, field):
    """Some are lost where mailparser splits lines twice, and what was an empty
    line is one or is not."""
    got = want["got"] or ""
    less = [re.sub(r"[\r\n]|<br/>|</?p>", "", text) for text in (value, got)]
    return got if "\r" in got and less[0] == less[1] else value


@rule("html_body")
def returned_headers_are_no_html(value, want, field):
    """They stand in text_body, for those who search it, and nowhere else."""
    got = want["got"] or ""
    for text, _ in want["fragments"]:
        less = value.replace("<br/>\n" + plain_html(text), "")
        if less == got:
            return got
    return value


def blanks_of(tags, value, want):
    """Only the blanks of text that was made of these may differ."""
    got = want["got"] or ""
    return got if re.search(rf"<({tags})\b", want["html_body"], re.I) and \
        without_blanks(value) == without_blanks(got) else value


def without_blanks(text):
    """Nor the quote marks, one for each line."""
    return "".join(re.sub(r"(?m)^[> ]+", "", text).split())


@rule("text_body")
def cells_and_rows(value, want, field):
    return blanks_of("td|th", value, want)


@rule("text_body")
def blocks_in_line(value, want, field):
    return blanks_of("address|caption|center|d[dlt]|details|fieldset|"
                     "figcaption|figure|legend|summary", value, want)


@rule("text_body", "html_body", "subject", "headers", "from", "to")
def how_many_replacements(value, want, field):
    """One U+FFFD for each bad sequence; decoders count them differently."""
    got = want["got"] or ""
    return got if "\ufffd" in value + got and value.replace(
        "\ufffd", "") == got.replace("\ufffd", "") else value
