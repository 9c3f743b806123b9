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
        try python("import zoneinfo\nprint('\\n'.join(sorted(zoneinfo.available_timezones())))", input: "")
            .filter { FileManager.default.fileExists(atPath: "\(root)/\($0)") }
    }

    /// For each line `zone<TAB>local seconds` the seconds since the epoch of its first occurrence, by Python's zoneinfo.
    static func instants(_ lines: [String]) throws -> [String] {
        try python(
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

    private static func python(_ program: String, input: String) throws -> [String] {
        let file = FileManager.default.temporaryDirectory.appending(path: "fettle-zones-\(UUID().uuidString)")
        try Data(input.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", program]
        process.environment = ["PATH": "/usr/bin:/bin", "PYTHONTZPATH": root]
        process.standardInput = try FileHandle(forReadingFrom: file)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
