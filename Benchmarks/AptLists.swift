import Foundation

/// One stanza of this machine's apt lists.
struct ListedPackage: Sendable, Hashable {
    var name: String
    var architecture: String
    var version: String
    var source: String
    var sourceVersion: String
}

/// This machine's apt lists: where the benchmarks take real names, versions and stanzas from.
struct AptLists: Sendable {
    /// The decompressed `Packages` files, the largest first.
    private let files: [[UInt8]]

    /// Reads the lists through apt's own helper.
    ///
    /// - Throws: where this machine has none.
    init() throws {
        let folder = "/var/lib/apt/lists"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.contains("_Packages") && !$0.contains("diff_Index")
        }
        guard !names.isEmpty else {
            throw BenchmarkError("this machine has no apt lists to draw packages from: run `apt-get update` first")
        }
        files = try names.sorted().map { name in
            Array(try output(of: ["/usr/lib/apt/apt-helper", "cat-file", "\(folder)/\(name)"]))
        }.sorted { $0.count > $1.count }
    }

    /// Every `each`-th stanza of the largest list, at most `count`, as text without its last line feed.
    func stanzas(_ count: Int) -> [String] {
        guard let file = files.first else { return [] }
        let starts = Self.stanzaStarts(file)
        let step = max(1, (starts.count - 1) / count)
        return stride(from: 0, to: starts.count - 1, by: step).prefix(count).map { at in
            String(decoding: file[starts[at]..<starts[at + 1]], as: UTF8.self)
                .trimmingCharacters(in: .newlines)
        }
    }

    /// All packages of all lists.
    func packages() -> [ListedPackage] {
        files.flatMap { file in
            let starts = Self.stanzaStarts(file)
            return zip(starts, starts.dropFirst()).compactMap { Self.package(file[$0..<$1]) }
        }
    }

    /// Where stanzas begin, and the end.
    private static func stanzaStarts(_ file: [UInt8]) -> [Int] {
        var starts = [0]
        file.withUnsafeBufferPointer { bytes in
            for at in bytes.indices.dropFirst(2) where bytes[at - 1] == 10 && bytes[at - 2] == 10 && bytes[at] != 10 {
                starts.append(at)
            }
        }
        return starts + [file.count]
    }

    private static func package(_ stanza: ArraySlice<UInt8>) -> ListedPackage? {
        var name: String?
        var architecture: String?
        var version: String?
        var source: String?
        for line in stanza.split(separator: 10) {
            switch line.first {
            case UInt8(ascii: "P"): name = name ?? value(line, "Package: ")
            case UInt8(ascii: "A"): architecture = architecture ?? value(line, "Architecture: ")
            case UInt8(ascii: "V"): version = version ?? value(line, "Version: ")
            case UInt8(ascii: "S"): source = source ?? value(line, "Source: ")
            default: break
            }
        }
        guard let name, let architecture, let version else { return nil }
        // Source: NAME or NAME (VERSION)
        let parts = (source ?? name).split(separator: " ", maxSplits: 1).map(String.init)
        let sourceVersion = parts.count == 2 ? String(parts[1].dropFirst().dropLast()) : version
        return ListedPackage(
            name: name, architecture: architecture, version: version, source: parts[0], sourceVersion: sourceVersion)
    }

    private static func value(_ line: ArraySlice<UInt8>, _ key: StaticString) -> String? {
        guard line.count > key.utf8CodeUnitCount else { return nil }
        let isKey = UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
            .elementsEqual(line.prefix(key.utf8CodeUnitCount))
        return isKey ? String(decoding: line.dropFirst(key.utf8CodeUnitCount), as: UTF8.self) : nil
    }
}
