"""Opens a report in Chromium, on screens of 390 and 1600 pixels, light and dark, uses it by keyboard and
pointer, prints it, and leaves pictures of it.

    pip install playwright==1.65.2          # Chromium itself: apt-get install chromium
    cargo xtask report results/shortcuts --data DIR --output /tmp/report.html
    python tests/reference/report_pages.py /tmp/report.html /tmp/pages
    cargo xtask report results/quick --watch &
    python tests/reference/report_pages.py http://127.0.0.1:8123/ /tmp/pages --follows results/quick

It ends with an error where the page logs one, asks for anything elsewhere, is wider than the screen, or
does not do what it says of keys and pointers.
"""

import argparse
import pathlib
import time

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-quic"]


def address(text):
    return text if text.startswith("http://127.0.0.1") else pathlib.Path(text).resolve().as_uri()


def opened(browser, url, width, scheme, faults):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: faults.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    base = url.split("?")[0]
    own = (base, "data:") + (("http://127.0.0.1",) if base.startswith("http") else ())
    page.on("request", lambda it: it.url.startswith(own) or faults.append(f"asks for {it.url}"))
    page.goto(url)
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if over > 0:
        faults.append(f"at {width} px it is {over} px too wide")
    return page


def expect(faults, is_so, what):
    if not is_so:
        faults.append(what)


def used(page, faults):
    """Keys and pointers do what the page says of them."""
    shown = lambda: page.locator("#tip").evaluate("tip => tip.style.visibility") == "visible"
    chart = page.locator("#curve-top1 svg.chart:visible")
    chart.scroll_into_view_if_needed()
    chart.focus()
    page.wait_for_timeout(300)  # Scrolling puts the values away.
    page.keyboard.press("ArrowRight")
    expect(faults, shown() and "epoch 1," in page.locator("#tip").inner_text(), "arrows read nothing")
    page.keyboard.press("ArrowRight")
    expect(faults, "epoch 2," in page.locator("#tip").inner_text(), "a second arrow does not go on")
    page.keyboard.press("Escape")
    expect(faults, not shown(), "Escape leaves the values")
    chart.hover()
    expect(faults, shown(), "pointing reads nothing")
    page.mouse.move(0, 0)
    series = chart.locator(".series").first
    key = chart.locator(".key").first
    key.focus()
    page.keyboard.press("Enter")
    expect(faults, not series.is_visible(), "Enter on a name hides nothing")
    expect(faults, key.get_attribute("aria-pressed") == "false", "a hidden name says that it is shown")
    key.click()
    expect(faults, series.is_visible(), "a click on a name brings nothing back")
    key.focus()
    page.keyboard.press("Shift+Enter")
    shown_series = lambda: [it.is_visible() for it in chart.locator(".series").all()]
    expect(faults, shown_series()[0] and not any(shown_series()[1:]), "Shift does not leave one alone")
    page.keyboard.press("Shift+Enter")
    expect(faults, all(shown_series()), "Shift does not bring all back")
    # The radio buttons of costs.
    first, second = page.locator(".panel.p0"), page.locator(".panel.p1")
    page.locator("#t0").focus()
    page.keyboard.press("ArrowRight")
    expect(faults, second.is_visible() and not first.is_visible(), "arrows do not change the cost")
    page.keyboard.press("ArrowLeft")
    # The first stop of the keyboard leads past the navigation.
    page.reload()
    page.keyboard.press("Tab")
    skips = page.evaluate("document.activeElement.className") == "skip"
    expect(faults, skips, "the first Tab does not offer to skip")


def follows(page, folder, faults):
    """A run that appears is shown without a reload, and what was hidden stays so."""
    page.locator("#curve-top1 svg.chart:visible .key").first.click()
    page.evaluate("window.scrollTo(0, 700); window.own = 1")
    runs = pathlib.Path(folder) / "runs"
    record = next(runs.glob("*/record.ron"))
    before = page.locator("header p").first.inner_text()
    aside = record.with_name("record.aside")
    record.rename(aside)
    try:
        time.sleep(4)
        now = page.locator("header p").first.inner_text()
        expect(faults, now != before and "unfinished" in now, f"it does not follow: {now}")
        expect(faults, page.evaluate("window.own === 1"), "it was loaded anew")
        expect(faults, page.evaluate("window.scrollY") > 600, "it lost its place")
        off = page.locator("#curve-top1 svg.chart:visible .key").first.get_attribute("aria-pressed")
        expect(faults, off == "false", "what was hidden is shown again")
    finally:
        aside.rename(record)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page")
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("--follows", help="the folder of the sweep that is served")
    args = parser.parse_args()
    args.pictures.mkdir(parents=True, exist_ok=True)
    url, faults = address(args.page), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for width in (390, 1600):
            for scheme in ("light", "dark"):
                page = opened(browser, url, width, scheme, faults)
                page.screenshot(path=args.pictures / f"{width}-{scheme}.png", full_page=True)
                used(page, faults)
                if args.follows:
                    follows(page, args.follows, faults)
                page.context.close()
        page = opened(browser, url, 1600, "light", faults)
        page.pdf(path=args.pictures / "print.pdf", format="A4")
        browser.close()
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults; the pictures are in {args.pictures}")
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
