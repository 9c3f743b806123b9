import Feeds
import Foundation
import Inventory
import Matching
import Testing

/// The shared data: `FETTLE_TEST_DATA`, else `shared/data` beside the repository.
enum TestData {
    static let repository = URL(filePath: #filePath).appending(path: "../../../..").standardized
    static let root: String = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty { return path }
        return repository.appending(path: "../shared/data").standardized.path
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: root) }

    /// What a line of Python makes of a shared file: archives are not read by Core.
    static func output(of script: String, _ path: String) throws -> Data {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-c", script, root + "/" + path]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return data
    }

    static func text(gzip path: String) throws -> String {
        String(
            decoding: try output(
                of: "import sys, gzip; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())", path), as: UTF8.self)
    }

    /// The records of a zip of OSV files.
    static func osv(_ ecosystem: String, _ body: (FeedRecord) throws -> Void) throws {
        let data = try output(
            of: """
                import sys, zipfile, json
                archive = zipfile.ZipFile(sys.argv[1])
                for name in archive.namelist():
                    if name.endswith('.json'):
                        sys.stdout.buffer.write(json.dumps(json.loads(archive.read(name)), ensure_ascii=False).encode() + b'\\n')
                """, "feeds/osv/\(ecosystem)/all.zip")
        var reader = OSVReader()
        try data.withUnsafeBytes { bytes in
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
                try reader.read(UnsafeRawBufferPointer(rebasing: bytes[start..<end]), place: ecosystem, body)
                start = end + 1
            }
        }
        #expect(reader.quarantined == 0)
    }

    static func catalogue(_ ecosystems: [String]) throws -> Catalogue {
        var builder = CatalogueBuilder()
        for ecosystem in ecosystems { try osv(ecosystem) { try builder.add($0) } }
        return try Catalogue(try builder.bytes())
    }
}
