#!/usr/bin/env python3
"""The dashboard in a real browser: what it draws, and what it does not let happen.

dashboard_test.py FAKE_BALANCER; exits 77 (skipped) when there is no chromium.
SPDX-License-Identifier: Apache-2.0
"""
import re
import shutil
import subprocess
import sys
import tempfile


def draw(fake_balancer, *arguments):
    """The page's document after a while, as the browser has it then."""
    server = subprocess.Popen([fake_balancer, "127.0.0.1:0", *arguments],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory(prefix="sstplb-browser-") as profile:
            return subprocess.run(
                [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu",
                 "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={profile}",
                 "--enable-logging=stderr", "--virtual-time-budget=5000", "--dump-dom", url],
                capture_output=True, text=True, timeout=150, check=True)
    finally:
        server.stdin.close()
        server.wait(timeout=20)


def expect(condition, what):
    print(("ok   " if condition else "FAIL ") + what)
    return 0 if condition else 1


def certificates(page):
    """What the balancer finds is marked, nothing else is; the facts are there to point at."""
    failures = 0
    cells = {text: (kind, title) for kind, title, text in re.findall(
        r'<span(?: class="([^"]*)")? title="([^"]*)">(\d+ days[^<]*)</span>', page)}
    failures += expect(set(cells) == {"60 days", "10 days", "5 days !"}, f"has the days: {cells}")
    for text, kind in (("60 days", ""), ("10 days", ""), ("5 days !", "warn-text")):
        failures += expect(cells.get(text, ("?",))[0] == kind, f"{text} is {kind!r}")
    for text, facts in (("60 days", ("issued by CN=Example CA", "stapled OCSP: good", "not changed",
                                     "chain not verified: unable to get local issuer")),
                        ("10 days", ("until 20", "chain leads to a trusted root")),
                        ("5 days !", ("changed 2 times",))):
        for fact in facts:
            failures += expect(fact in cells.get(text, ("", ""))[1], f"{text}: {fact!r}")
    failures += expect("not valid yet: from 2039-01-01T00:00:00Z" in page, "shows not_yet_valid")
    return failures


def main(fake_balancer):
    failures = 0
    shown = draw(fake_balancer)
    page = shown.stdout
    for text in ("vpn1", "\u25b2 up", "\u25bc down", "tls_timeout", "draining", "? unknown",
                 "added by command", "1 of 3 ready", "certificates differ",
                 "not for ras.example.com", "the process hangs", "0.0.0.0:443, [::]:443", "198.51.100.7:50123"):
        failures += expect(text in page, f"shows {text!r}")
    failures += certificates(page)
    failures += expect(re.search(r'id="readiness"[^>]*>ready<', page), "says that it is ready")
    failures += expect("the last 64 probes: 64 good, 0 bad" in page, "tells the history in words")
    failures += expect("&lt;img src=x onerror=alert(1)&gt;" in page, "shows a hostile name as text")
    failures += expect("<img" not in page and "<b>evil" not in page, "makes no markup of it")
    failures += expect(re.search(r'id="lost"[^>]*hidden', page), "shows no alarm")
    failures += expect("Content Security Policy" not in shown.stderr, "keeps its own policy")
    failures += expect("Uncaught" not in shown.stderr, "has no error in its script")

    broken = draw(fake_balancer, "broken").stdout
    failures += expect("Cannot reach the balancer: nothing was heard of it yet" in broken,
                       "says so when the balancer does not answer")
    failures += expect(not re.search(r'id="lost"[^>]*hidden', broken), "and shows it")
    return 1 if failures else 0


if __name__ == "__main__":
    BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
    if BROWSER is None:
        print("SKIPPED: there is no chromium (Debian package chromium)")
        sys.exit(77)
    sys.exit(main(sys.argv[1]))
