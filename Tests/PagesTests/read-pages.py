#!/usr/bin/env python3
"""Reads the pages of a folder with html5lib and prints what it found as JSON. Needs Debian's python3-html5lib."""
import json
import os
import re
import sys

import html5lib

pages = []
for file in sorted(os.listdir(sys.argv[1])):
    if not file.endswith(".html"):
        continue
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    with open(os.path.join(sys.argv[1], file), "rb") as content:
        tree = parser.parse(content, transport_encoding="utf-8")
    elements, words, safe = [], [], True
    for element in tree.iter():
        if not isinstance(element.tag, str):  # a comment: we write none
            safe = False
            continue
        # Drawings follow the numbers they show, so that only their kind is compared.
        elements.append(element.tag + " " + " ".join(sorted(map(str, element.attrib))))
        words += [element.text or "", element.tail or ""]
        for name, value in element.attrib.items():
            if str(name).startswith("on") or name == "style":
                safe = False
            if str(name).endswith(("href", "src", "action")) and not value.startswith(("/", "#")):
                # Links to other people's pages: only these, only plain addresses, and nothing of ours goes with them.
                plain = re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?/[A-Za-z0-9._~:/?#@!$&()*+,;=%-]*", value)
                if not (element.tag == "a" and name == "href" and plain
                        and element.get("rel") == "noopener noreferrer nofollow"):
                    safe = False
            if str(name).endswith(("href", "src", "action")) and value.startswith("//"):
                safe = False
        if element.tag == "style" or (element.tag == "script" and (element.text or "src" not in element.attrib)):
            safe = False
    ids = [element.get("id") for element in tree.iter() if isinstance(element.tag, str) and element.get("id")]
    errors = [f"id {each} stands twice" for each in sorted({each for each in ids if ids.count(each) > 1})]
    named = [element.get(name) for element in tree.iter() if isinstance(element.tag, str)
             for name in ("for", "aria-labelledby", "aria-describedby") if element.get(name)]
    errors += [f"no id {each}" for each in named if each not in ids]
    errors += [f"{place} {code} {values}" for place, code, values in parser.errors]
    pages.append({
        "name": file[5:-5], "errors": errors, "elements": elements, "isSafe": safe,
        "text": " ".join(" ".join(words).split()),
    })
json.dump(pages, sys.stdout)
