"""The status page in a real Chromium: with a key and without, what it shows,
what it does, in light and dark, on a phone; and that it asks nobody else."""

import atexit
import json
import shutil
import sys
import tempfile

from api import KEY, LETTER, call, check, eventually, run, same, send

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
except ImportError:
    print("python3-selenium is not installed")
    sys.exit(77)

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update "
    "--disable-sync --disable-dev-shm-usage"
).split()
BOUNCE = {"error": "<b>Nobody</b> & <script>document.title='hacked'</script>",
          "bounce": True}


def start():
    """One Chromium for all stories: each has an origin, and so a session, of
    its own."""
    options = webdriver.ChromeOptions()
    folder = tempfile.TemporaryDirectory(prefix="elektrine-page-")
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument("--user-data-dir=" + folder.name)
    options.binary_location = CHROMIUM
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    atexit.register(folder.cleanup)
    atexit.register(driver.quit)
    return driver


class Browser:
    driver = None

    def __init__(self, api, width=1280, height=1400, dark=False):
        if Browser.driver is None:
            Browser.driver = start()
        self.driver.get("about:blank")
        self.complaints(), self.asked()  # of the story before
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {
                "features": [
                    {
                        "name": "prefers-color-scheme",
                        "value": "dark" if dark else "light",
                    }
                ]
            },
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": width,
                "height": height,
                "deviceScaleFactor": 1,
                "mobile": width < 500,
            },
        )
        self.origin = "http://127.0.0.1:%d" % api.port
        self.driver.get(self.origin + "/status")

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.driver.get("about:blank")

    def run(self, script):
        return self.driver.execute_script("return " + script)

    def text(self, id):
        return self.run("document.getElementById('%s').innerText" % id)

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def button(self, label, inside=""):
        for button in self.all(inside + " button"):
            if button.text == label and button.is_displayed():
                return button
        return None

    def press(self, label, inside=""):
        """What it finds may be replaced by the next look at the queue."""

        def try_it():
            button = self.button(label, inside)
            if button is None:
                return False
            self.driver.execute_script("arguments[0].click()", button)
            return True

        eventually(try_it, "a button %r" % label)

    def unlock(self):
        eventually(lambda: self.find("#key").is_displayed(), "it asks")
        self.find("#key").send_keys(KEY)
        self.press("Open")
        eventually(lambda: self.find("#main").is_displayed(), "it opens")

    def complaints(self):
        """What the console says, but for the 401 that is meant."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if "401" not in entry["message"]
        ]

    def asked(self):
        """Where requests went."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls


def dead_letter(stack, api):
    phoenix = stack.phoenix()
    phoenix.control(status=404, body=BOUNCE)
    id = send(api, LETTER)["message_id"]
    agent = stack.deliver()
    agent.wait_event("dead_lettered")
    phoenix.reset()
    return phoenix, id


def story_who_has_no_key_sees_no_data(stack):
    api = stack.httpapi()
    answer = call(api, "GET", "/status", key=None, Accept="text/html")
    same(answer.status, 401, "status of the page")
    check(b"<!doctype html>" in answer.body, "it is a page")
    policy = answer.headers["content-security-policy"]
    check("default-src 'none'" in policy, policy)
    check("unsafe" not in policy, policy)
    with Browser(api) as browser:
        eventually(lambda: browser.find("#gate").is_displayed(), "it asks")
        check(not browser.find("#main").is_displayed(), "nothing is shown")
        browser.find("#key").send_keys("wrong")
        browser.press("Open")
        eventually(
            lambda: "not the key" in browser.text("gate-error"), "it says so"
        )
        browser.unlock()
        eventually(lambda: browser.text("f-waiting") == "0", "figures")
        check(KEY not in browser.run("document.documentElement.outerHTML"),
              "the key stands in the page")
        browser.press("Forget the key")
        eventually(lambda: browser.find("#gate").is_displayed(), "locked")
        same(browser.complaints(), [], "the console")


def story_the_queue_lives(stack):
    api = stack.httpapi(OPS_ALLOWED_CIDRS="127.0.0.0/8")
    phoenix, id = dead_letter(stack, api)
    with Browser(api) as browser:
        eventually(lambda: browser.text("f-dead") == "1", "the dead letter")
        same(browser.text("verdict"), "Dead letters wait for you", "verdict")
        letter = browser.text("letters")
        for part in ["bob@example.com", "bounce", "<b>Nobody</b>", id]:
            check(part in letter, "%s in %s" % (part, letter))
        check("hacked" not in browser.run("document.title"), "the title")
        # A message that comes is seen without doing anything.
        phoenix.control(status=503)
        send(api, LETTER)
        eventually(lambda: browser.text("f-waiting") == "1", "it waits")
        eventually(
            lambda: browser.all("#c-waiting path.a[d^=M]"), "a line is drawn"
        )
        phoenix.reset()
        # What is in the way of an inline script or style.
        same(browser.complaints(), [], "the console")
        others = [
            url for url in browser.asked()
            if not url.startswith((browser.origin + "/", "chrome:"))
        ]
        same(others, [], "requests to others")


def story_a_letter_is_requeued(stack):
    api = stack.httpapi(OPS_ALLOWED_CIDRS="127.0.0.0/8")
    phoenix, id = dead_letter(stack, api)
    with Browser(api) as browser:
        browser.press("Requeue…", "#letters")
        same(browser.text("act-command"),
             "elektrine-spool dead requeue " + id, "the command")
        key = browser.find("#act-key")
        check(key.is_displayed(), "it asks for the key")
        key.send_keys("wrong")
        browser.press("Requeue", "#act")
        eventually(
            lambda: "not the key" in browser.text("act-result"), "it says so"
        )
        same(phoenix.delivered(), 0, "nothing was done")
        key.clear()
        key.send_keys(KEY)
        browser.press("Requeue", "#act")
        eventually(
            lambda: "bob@example.com" in browser.text("act-result"), "done"
        )
        eventually(lambda: phoenix.delivered() == 1, "it arrives")
        browser.press("Close", "#act")
        eventually(lambda: browser.text("f-dead") == "0", "no dead letter")
        same(browser.text("verdict"), "All is well", "verdict")


def story_a_message_is_found(stack):
    api = stack.httpapi(OPS_ALLOWED_CIDRS="127.0.0.0/8")
    id = send(api, LETTER)["message_id"]
    with Browser(api) as browser:
        eventually(lambda: browser.text("f-waiting") == "1", "it waits")
        browser.find("#query").send_keys("bob@example.com")
        browser.press("Find")
        eventually(lambda: browser.find("#act-key").is_displayed(), "it asks")
        browser.find("#act-key").send_keys(KEY)
        browser.press("Go on", "#act")
        eventually(lambda: id in browser.text("found"), "it is found")
        browser.press("Story", "#found")
        eventually(lambda: "accepted" in browser.text("found"), "its story")
        browser.press("Hold…", "#found")
        same(browser.text("act-command"), "elektrine-spool hold " + id, "hold")
        browser.press("Hold", "#act")
        eventually(lambda: "Done" in browser.text("act-result"), "done")
        browser.press("Close", "#act")
        eventually(lambda: "held" in browser.text("found"), "its new state")
        browser.find("#query").clear()
        browser.find("#query").send_keys("01ARZ3NDEKTSV4RRFFQ69G5FAV")
        browser.press("Find")
        eventually(
            lambda: "no such message" in browser.text("found"), "an unknown"
        )


def contrast(browser, css):
    """Of a text with the page's ground (WCAG 2)."""

    def light(rgb):
        parts = [int(part) / 255 for part in rgb]
        parts = [
            p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4
            for p in parts
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    def colour(element, what):
        text = browser.run(
            "getComputedStyle(document.querySelector('%s')).%s"
            % (element, what)
        )
        return light(text[text.index("(") + 1:-1].split(",")[:3])

    pair = sorted([colour(css, "color"), colour("body", "backgroundColor")])
    return (pair[1] + 0.05) / (pair[0] + 0.05)


def story_light_dark_and_on_a_phone(stack):
    api = stack.httpapi(OPS_ALLOWED_CIDRS="127.0.0.0/8")
    grounds = set()
    for width, dark in [(1280, False), (1280, True), (360, False)]:
        with Browser(api, width=width, dark=dark) as browser:
            eventually(lambda: browser.text("f-waiting") == "0", "figures")
            grounds.add(
                browser.run("getComputedStyle(document.body).backgroundColor")
            )
            check(
                browser.run("document.documentElement.scrollWidth")
                <= browser.run("innerWidth"),
                "it is wider than %d" % width,
            )
            for css in ["body", ".quiet", "#verdict"]:
                ratio = contrast(browser, css)
                check(ratio >= 4.5, "contrast of %s: %.1f" % (css, ratio))
            same(browser.complaints(), [], "the console")
    same(len(grounds), 2, "grounds of light and dark")


if CHROMIUM is None or DRIVER is None:
    print("chromium or chromedriver is not installed")
    sys.exit(77)
run(globals())
