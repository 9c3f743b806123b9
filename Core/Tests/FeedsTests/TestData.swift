import Foundation

/// The shared data: `FETTLE_TEST_DATA`, else `shared/data` beside the repository.
enum TestData {
    static let root: String = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty { return path }
        return URL(filePath: #filePath).appending(path: "../../../../../shared/data").standardized.path
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

    /// Every entry of a zip, one a line: its name, a tab, its JSON.
    static func entries(_ path: String) throws -> Data {
        try output(
            of: """
                import sys, zipfile, json
                archive = zipfile.ZipFile(sys.argv[1])
                for name in archive.namelist():
                    if name.endswith('.json'):
                        record = json.dumps(json.loads(archive.read(name)), ensure_ascii=False)
                        sys.stdout.buffer.write(name.encode() + b'\\t' + record.encode() + b'\\n')
                """, path)
    }

    static func text(gzip path: String) throws -> String {
        String(decoding: try bytes(gzip: path), as: UTF8.self)
    }

    static func bytes(gzip path: String) throws -> Data {
        try output(of: "import sys, gzip; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())", path)
    }

    /// A shared file.
    static func bytes(_ path: String) throws -> Data {
        try Data(contentsOf: URL(filePath: root + "/" + path))
    }

    /// Every file of a zip as it stands, whose name ends in one of the endings and has the text in it.
    static func files(_ path: String, ending: String = ".json", with part: String = "") throws -> [(String, Data)] {
        let all = try output(
            of: """
                import sys, zipfile, struct
                archive = zipfile.ZipFile(sys.argv[1])
                for name in sorted(archive.namelist()):
                    if not name.endswith('/'):
                        data = archive.read(name)
                        name = name.encode()
                        sys.stdout.buffer.write(struct.pack('<II', len(name), len(data)) + name + data)
                """, path)
        var files: [(String, Data)] = []
        var at = all.startIndex
        func length() -> Int {
            defer { at += 4 }
            return (0..<4).reduce(0) { $0 | Int(all[at + $1]) << (8 * $1) }
        }
        while at < all.endIndex {
            let (name, size) = (length(), length())
            let text = String(decoding: all[at..<at + name], as: UTF8.self)
            if text.hasSuffix(ending), part.isEmpty || text.contains(part) {
                files.append((text, Data(all[at + name..<at + name + size])))
            }
            at += name + size
        }
        return files
    }
}
