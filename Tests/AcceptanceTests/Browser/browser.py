#!/usr/bin/env python3
"""Drives a real Chromium over Fettle's pages.

  browser.py journey --base URL --link URL --enrol COMMAND --package NAME --host NAME --vulnerability ID [--no-script] [--shots FOLDER]

Logs in by the one-time link, sets a password, enrols a host with the command that the page shows, finds what is missing
there, and logs out; then looks at every page with axe in both themes (only with script, for axe is script).
COMMAND gets the enrolment command as its last argument. Prints what it did; ends with status 1 and why when a page is not
as it should be.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

from playwright.sync_api import expect, sync_playwright

PASSWORD = "violet tram eats gravel"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = [360, 1280, 2560]


class Journey:
    def __init__(self, options, browser):
        self.options = options
        self.browser = browser
        self.faults = []
        self.context = self.new_context("light")
        self.page = self.new_page(self.context)

    def new_context(self, theme, cookies=None):
        context = self.browser.new_context(
            ignore_https_errors=True, java_script_enabled=self.options.script, color_scheme=theme, base_url=self.options.base,
            viewport={"width": 1280, "height": 900})
        context.set_default_timeout(8_000)
        if cookies:
            context.add_cookies(cookies)
        return context

    def new_page(self, context):
        page = context.new_page()
        page.on("console", lambda message: self.console(message))
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        return page

    def console(self, message):
        if message.type == "error" and "status of 4" not in message.text and "status of 5" not in message.text:
            self.faults.append(f"console: {message.text}")

    def step(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    # The journey

    def first_login(self):
        page = self.page
        page.goto(self.options.link)
        page.get_by_role("button", name="Go on").click()
        expect(page).to_have_url(re.compile("/settings/account"))
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password again").fill(PASSWORD)
        page.get_by_role("button", name="Set password").click()
        expect(page.get_by_text("The password is set")).to_be_visible()
        self.step("logged in by the link and set a password")

    def enrol(self):
        page = self.page
        page.goto("/")
        if page.get_by_role("heading", name="Welcome to Fettle").count():
            page.get_by_role("button", name="Make a command for one host").click()
        else:
            page.goto("/settings/enrolment")
            page.get_by_label("Note").fill("Second host")
            page.get_by_label("Labels for these hosts").fill("site=berlin,tier=web")
            page.get_by_role("button", name="Make command").click()
        command = page.get_by_role("region", name="Enrolment command").inner_text().strip()
        if not command.startswith("fettle-agent enroll "):
            raise AssertionError(f"no enrolment command: {command!r}")
        if self.options.script:
            expect(page.get_by_role("button", name="Copy")).to_be_visible()
        else:
            expect(page.get_by_role("button", name="Copy")).to_have_count(0)
        self.step("made an enrolment command")
        subprocess.run(self.options.enrol.split() + [command], check=True, timeout=120)
        self.step("ran it on the host")

    def find_what_is_missing(self):
        page = self.page
        deadline = time.time() + 90
        page.goto("/hosts")
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=self.options.host, exact=True))
        while row.get_by_text("Lacks security").count() == 0:
            if time.time() > deadline:
                raise AssertionError("the list does not show what the second host lacks")
            # With script the list becomes fresh by itself; without it a person loads it again.
            time.sleep(1)
            if not self.options.script:
                page.goto("/hosts")
        self.step("the list shows the second host's verdict")
        page.goto("/")
        expect(page.get_by_role("heading", name="Today", level=1)).to_be_visible()
        if self.options.script:
            page.keyboard.press("/")
            expect(page.locator("#search")).to_be_focused()
        page.get_by_label("Search hosts, packages and CVEs").fill(self.options.package)
        page.keyboard.press("Enter")
        page.get_by_role("region", name="Packages").get_by_role("link", name=self.options.package, exact=True).click()
        expect(page.get_by_role("heading", name=self.options.package, level=1)).to_be_visible()
        page.get_by_role("table", name="Hosts that wait").get_by_role("link", name=self.options.host, exact=True).click()
        expect(page.get_by_role("heading", name=self.options.host, level=1)).to_be_visible()
        page.get_by_role("link", name=re.compile("^Updates")).click()
        expect(page.get_by_role("table", name="Updates that wait").get_by_role(
            "link", name=self.options.package, exact=True).first).to_be_visible()
        self.host = page.url.split("/hosts/")[1].split("/")[0]
        self.step(f"found that the host lacks {self.options.package}")
        if self.options.script:
            page.goto("/hosts")
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            expect(page).to_have_url(re.compile("/hosts/h-"))
            page.keyboard.press("?")
            expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
            page.keyboard.press("Escape")

    def find_what_matters(self):
        """From the queue to the patch, to what it closes, to a campaign and an exception that are filled in."""
        page = self.page
        id = self.options.vulnerability
        deadline = time.time() + 120
        page.goto("/vulnerabilities")
        while page.get_by_role("link", name=id, exact=True).count() == 0:
            if time.time() > deadline:
                raise AssertionError(f"{id} is not in the list")
            time.sleep(2)
            page.goto("/vulnerabilities")
        page.get_by_role("link", name=id, exact=True).click()
        expect(page.get_by_role("heading", name=id, level=1)).to_be_visible()
        expect(page.get_by_text(re.compile("^Yes: [12] hosts? ha"))).to_be_visible()
        page.get_by_role("link", name="Ask for an exception").click()
        expect(page.get_by_label("Vulnerability")).to_have_value(id)
        page.goto("/queue")
        first = page.get_by_role("table", name="Work queue").get_by_role("row").nth(1).get_by_role("link").first
        name = first.inner_text()
        first.click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        self.patch = page.url
        page.get_by_role("link", name="Plan a campaign").click()
        expect(page.get_by_label("Title")).to_have_value(f"Patch {name}")
        self.step(f"found {id}, what closes it, and the forms for it")

    def colours(self):
        page = self.page
        page.goto("/hosts")
        page.get_by_role("button", name="Colours: dark").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="Colours: as the system").click()
        expect(page.locator("html")).to_have_attribute("data-theme", "system")
        self.step("switched the colours")

    def logout(self):
        page = self.page
        page.goto("/")
        page.locator("details.person > summary").click()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        page.goto("/hosts")
        expect(page).to_have_url(re.compile("/login"))
        page.get_by_label("Name").fill("admin")
        page.get_by_label("Password").fill("not the password")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(re.compile("/hosts"))
        self.step("logged out, and in again with the password")

    # Every page

    def pages(self):
        found = {
            "today": "/", "hosts": "/hosts", "hosts-filtered": "/hosts?status=active&security=yes&columns=all",
            "hosts-none": "/hosts?q=nothing-has-this-name", "patches": "/patches", "patch": f"/patches/{self.options.package}",
            "activity": "/activity", "search": f"/search?q={self.options.package[:3]}", "style": "/style",
            "account": "/settings/account", "sessions": "/settings/sessions", "tokens": "/settings/tokens",
            "enrolment": "/settings/enrolment", "people": "/settings/people", "organisations": "/settings/organisations",
            "campaigns": "/campaigns", "campaigns-all": "/campaigns?show=all",
            "campaign-new": f"/campaigns/new?host={self.host}&package={self.options.package}",
            "why": f"/hosts/{self.host}/why/{self.options.package}",
            "queue": "/queue?capacity=3", "queue-patch": self.patch, "vulnerabilities": "/vulnerabilities",
            "vulnerabilities-none": "/vulnerabilities?q=nothing-has-this-name", "vulnerabilities-unknown": "/vulnerabilities/unknown",
            "vulnerability": f"/vulnerabilities/{self.options.vulnerability}", "exceptions": "/exceptions",
            "exception-new": f"/exceptions/new?vulnerability={self.options.vulnerability}",
            "device": "/device", "not-found": "/no/such/page",
        }
        for part in ["", "vulnerabilities", "updates", "packages", "timeline", "facts", "labels", "retire"]:
            found[f"host-{part or 'overview'}"] = f"/hosts/{self.host}/{part}".rstrip("/")
        return found

    def look(self):
        from axe_playwright_python.sync_playwright import Axe

        axe = Axe()
        cookies = self.context.cookies()
        for theme in ["light", "dark"]:
            context = self.new_context(theme, cookies)
            page = self.new_page(context)
            stranger = self.new_page(self.new_context(theme))
            for name, path in self.pages().items():
                self.look_at(axe, page, name, path, theme)
            self.look_at(axe, stranger, "login", "/login", theme)
            context.close()
        self.step(f"looked at {len(self.pages()) + 1} pages in both themes")

    def look_at(self, axe, page, name, path, theme):
        page.goto(path)
        for width in WIDTHS if self.options.shots else [1280]:
            page.set_viewport_size({"width": width, "height": 1300 if width > 2000 else 900})
            inner = page.evaluate("document.documentElement.scrollWidth")
            if inner > width:
                self.faults.append(f"{name} is {inner} wide at {width}")
            if self.options.shots:
                page.screenshot(path=os.path.join(self.options.shots, f"{name}-{width}-{theme}.png"), full_page=width < 2000)
        page.set_viewport_size({"width": 1280, "height": 900})
        result = axe.run(page, options={"runOnly": TAGS})
        for fault in result.response["violations"]:
            places = "; ".join(str(node["target"]) for node in fault["nodes"][:3])
            self.faults.append(f"axe: {name} ({theme}): {fault['id']}: {fault['help']} at {places}")

    def run(self):
        self.first_login()
        self.enrol()
        self.find_what_is_missing()
        self.find_what_matters()
        self.colours()
        if self.options.script:
            self.look()
        self.logout()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["journey"])
    parser.add_argument("--base", required=True)
    parser.add_argument("--link", required=True)
    parser.add_argument("--enrol", required=True)
    parser.add_argument("--package", required=True)
    parser.add_argument("--host", required=True)
    parser.add_argument("--vulnerability", required=True)
    parser.add_argument("--no-script", dest="script", action="store_false")
    parser.add_argument("--shots")
    options = parser.parse_args()
    if options.shots:
        os.makedirs(options.shots, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
        journey = Journey(options, browser)
        try:
            journey.run()
        except Exception as error:  # whatever it is, say where it happened
            journey.faults.append(f"{type(error).__name__}: {error}\nat {journey.page.url}")
            print(journey.page.locator("body").inner_text()[:3000])
        browser.close()
    for fault in journey.faults:
        print("FAULT", fault)
    print(json.dumps({"faults": len(journey.faults)}))
    sys.exit(1 if journey.faults else 0)


main()
