import Foundation
import Schedule

/// This machine's compiled zones, and Python's word on them.
enum ZoneFiles {
    static let root = "/usr/share/zoneinfo"

    static func zone(_ name: String) throws -> Zone {
        try Zone(name: name, tzif: Array(Data(contentsOf: URL(filePath: "\(root)/\(name)"))))
    }

    /// Every name that Python knows too, sorted.
    static func names() throws -> [String] {
        try Python.run("import zoneinfo\nprint('\\n'.join(sorted(zoneinfo.available_timezones())))", input: "")
            .filter { FileManager.default.fileExists(atPath: "\(root)/\($0)") }
    }

    /// For each line `zone<TAB>local seconds` the seconds since the epoch of its first occurrence, by Python's zoneinfo.
    static func instants(_ lines: [String]) throws -> [String] {
        try Python.run(
            """
            import sys, datetime, zoneinfo
            start = datetime.datetime(1970, 1, 1)
            zones = {}
            out = []
            for line in sys.stdin:
                name, local = line.rstrip().split('\\t')
                zone = zones.get(name) or zones.setdefault(name, zoneinfo.ZoneInfo(name))
                naive = start + datetime.timedelta(seconds=int(local))
                aware = naive.replace(tzinfo=zone)
                out.append(str(int((naive - aware.utcoffset() - start).total_seconds())))
            print('\\n'.join(out))
            """, input: lines.map { $0 + "\n" }.joined())
    }
}
