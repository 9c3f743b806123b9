"""Counts the records of feed files by other means than Fettle's: one line a file, its path and how many there are."""
import csv, gzip, io, json, os, re, sys, zipfile
import xml.etree.ElementTree as tree


def documents(name, data):
    if data[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(data))
        for inner in archive.infolist():
            if not inner.is_dir():
                yield from documents(name + "/" + inner.filename, archive.read(inner))
    elif data[:2] == b"\x1f\x8b":
        try:
            inner = gzip.decompress(data)
        except (OSError, EOFError):
            inner = b""
        yield from documents(name[:-3], inner)
    else:
        yield name, data


def local(element):
    return element.tag.split("}")[-1]


def count(data):
    """The records of a document by its shape, or None."""
    text = data.decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        try:
            root = tree.fromstring(data)
        except tree.ParseError:
            return None
        if local(root) == "updates":
            return sum(1 for e in root if local(e) == "update")
        if local(root) == "oval_definitions":
            return sum(1 for e in root.iter() if local(e) == "definition" and e.get("class") in ("patch", "vulnerability"))
        return 1 if local(root) == "cvrfdoc" else None
    if text.startswith("["):
        lines = text.splitlines()
        if re.match(r"\[\d\d \w+ \d{4}\] D[SL]A", lines[0]):
            return sum(1 for line in lines if line.startswith("["))
    if re.match(r"(?i)cve,.*epss", text) or text.startswith("#model_version"):
        rows = [row for row in csv.reader(io.StringIO(text)) if row and not row[0].startswith("#")]
        return len(rows) - 1
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    if "vulnerabilities" in value and ("catalogVersion" in value or value.get("format") == "NVD_CVE"):
        return len(value["vulnerabilities"])
    if value.get("dataType") == "CVE_RECORD":
        return 1
    if "id" in value and "modified" in value:
        return 1
    return None


root = sys.argv[1]
for folder, _, files in sorted(os.walk(root)):
    if "/." in folder:
        continue
    for file in sorted(files):
        path = os.path.join(folder, file)
        found = [count(data) for _, data in documents(path, open(path, "rb").read())]
        known = [number for number in found if number is not None]
        print("%s\t%d\t%d\t%d" % (os.path.relpath(path, root), len(found), len(known), sum(known)))
