"""check_page.py PAGE.html: a page of `wengert draw`: it needs nothing but itself, its graph is whole,
and in headless Chromium, where it is installed, its scopes open and close."""
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile


class Page(html.parser.HTMLParser):
    """Collects scripts, and every address an element would load."""

    def __init__(self):
        super().__init__()
        self.loads, self.scripts, self.inside = [], [], False

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "href", "data", "action")]
        self.inside = tag == "script"
        if self.inside:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "script"

    def handle_data(self, data):
        if self.inside:
            self.scripts[-1] += data


def need(good, text):
    if not good:
        sys.exit("%s: %s" % (sys.argv[1], text))


def check_graph(data):
    for f in data["functions"]:
        nodes, groups = f["nodes"], f["groups"]
        need(groups[0]["parent"] == -1 and groups[0]["path"] == "", "the first group is not all")
        for i, g in enumerate(groups[1:], 1):
            need(0 <= g["parent"] < i, "group %d lies in a later one" % i)
        for n in nodes:
            need(0 <= n["group"] < len(groups) and n["row"] >= 0, "a node lies nowhere")
            need(re.fullmatch(r"(f32|f64|i64|bool)\[.*\]", n["type"]), "a node has no type")
            need("op" in n["facts"] or n["kind"] != "entry", "an entry has no op")
            if n["style"] == "param" and n["kind"] == "entry":
                need({"min", "max", "mean", "std"} <= set(n["facts"]), "no statistics")
        for a, b, _ in f["edges"]:
            need(0 <= a < b < len(nodes), "an edge goes backwards")
            # Rows follow edges within a group.
            same = nodes[a]["group"] == nodes[b]["group"]
            need(not same or nodes[a]["row"] < nodes[b]["row"] or len(groups) > 2, "a row too high")


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome", "/usr/lib/chromium/chromium"):
        if shutil.which(name):
            return shutil.which(name)
    return None


def shown(browser, page, state):
    """The page as the browser makes it, in a state its address names."""
    with tempfile.TemporaryDirectory() as home:
        run = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + home,
             "--enable-logging=stderr", "--dump-dom", "file://" + os.path.abspath(page) + state],
            capture_output=True, text=True, timeout=100)
    need(run.returncode == 0, "the browser: " + run.stderr[-500:])
    faults = [line for line in run.stderr.split("\n") if "CONSOLE" in line]
    need(not faults, "the page's script: " + "; ".join(faults))
    return run.stdout


def check_in_browser(browser, page, data):
    for f in data["functions"]:
        name = "#function=" + f["name"] + "&open="
        folded, opened = shown(browser, page, name), shown(browser, page, name + "all")
        top = sum(n["group"] == 0 for n in f["nodes"])
        scopes = sum(g["parent"] == 0 for g in f["groups"])
        need(folded.count('data-box="n') == top, "folded, other boxes than those of the top")
        need(folded.count('data-box="g') == scopes, "folded, other scopes than those of the top")
        need(opened.count('data-box="n') == len(f["nodes"]), "opened, not every node is there")
        need(opened.count('data-box="g') == 0, "opened, a scope is closed")
        edges = {(a, b) for a, b, _ in f["edges"]}
        need(opened.count("data-from=") == len(edges), "opened, edges are missing")
        if scopes:
            first = next(g for g in f["groups"] if g["parent"] == 0)
            one = shown(browser, page, name + first["path"].replace(" ", "%20"))
            inside = sum(f["groups"][n["group"]] is first for n in f["nodes"])
            need(one.count('data-box="n') == top + inside, "one scope open shows other boxes")


def check_clicks(browser, page, data):
    """A click on the first scope opens it, a click on the first box tells what it is."""
    if len(data["functions"][0]["groups"]) < 2:
        return
    clicks = """<script>
document.querySelector('.scope').click();
document.querySelector('[data-box^="n"]').click();
</script></body>"""
    with open(page, encoding="utf-8") as file:
        text = file.read().replace("</body>", clicks)
    with tempfile.NamedTemporaryFile("w", suffix=".html", dir=".") as copy:
        copy.write(text)
        copy.flush()
        seen = shown(browser, copy.name, "")
    need(seen.count('class="open"') == 1, "a click opened no scope")
    panel = re.search(r'<aside id="facts"([^>]*)>(.*?)</aside>', seen, re.S)
    need("hidden" not in panel.group(1), "a click tells nothing")
    need("<dt>type</dt>" in panel.group(2), "a click does not tell the type")


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    page = Page()
    page.feed(text)
    need(not page.loads, "it loads %s" % page.loads)
    need(not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), "it names an address")
    need(not re.search(r"@import|url\((?!#)", text), "its style loads something")
    need(len(page.scripts) == 2, "%d scripts" % len(page.scripts))
    data = json.loads(page.scripts[0])
    check_graph(data)
    if shutil.which("node"):
        with tempfile.NamedTemporaryFile("w", suffix=".js") as script:
            script.write(page.scripts[1])
            script.flush()
            need(subprocess.run(["node", "--check", script.name]).returncode == 0, "its script")
    browser = chromium()
    if browser:
        check_in_browser(browser, sys.argv[1], data)
        check_clicks(browser, sys.argv[1], data)
    where = ", in a browser" if browser else ""
    print("%s: %d functions%s" % (sys.argv[1], len(data["functions"]), where))


main()
