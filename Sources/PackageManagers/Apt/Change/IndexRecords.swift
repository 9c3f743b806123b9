/// What the signed indexes (and dpkg) say of exact versions, as `apt-cache show` prints it.
struct IndexRecords {
    /// A version that a repository offers.
    struct Record: Sendable, Hashable {
        var name: String
        var architecture: String
        var version: String
        /// The source package and its version.
        var source: String
        var sourceVersion: String
        var sha256: String
        var bytes: Int64
        /// On the disk, in bytes.
        var installedBytes: Int64
    }
    private var records: [String: [Record]] = [:]

    /// The record of that version: the one with that digest where one is given.
    func record(_ name: String, _ architecture: String, _ version: String, sha256: String?) -> Record? {
        let all = records["\(name):\(architecture)=\(version)"] ?? []
        return all.first { $0.sha256 == sha256 } ?? all.first
    }

    /// Asks apt for these versions; what it does not have is left out.
    init(
        _ wanted: [(name: String, architecture: String, version: String)], _ root: ChangeRoot
    ) throws(ChangeRefusal) {
        for start in stride(from: 0, to: wanted.count, by: 400) {
            let some = wanted[start..<min(start + 400, wanted.count)]
            let names = some.map { wanted in
                // Packages for all architectures are filed under the host's own.
                wanted.architecture == "all"
                    ? "\(wanted.name)=\(wanted.version)" : "\(wanted.name):\(wanted.architecture)=\(wanted.version)"
            }
            do throws(ChildProcess.Failure) {
                let result = try root.run(["apt-cache"] + AptCommand.privateCaches + ["show", "--"] + names)
                // It exits with 100 when one of them is unknown, and still shows the others.
                try take(result.output)
            } catch {
                throw ChangeRefusal(
                    .resolverFailed, "apt-cache was asked for the ordered versions, but \(error); look at apt's setup")
            }
        }
    }

    private mutating func take(_ output: [UInt8]) throws(ChildProcess.Failure) {
        var found: [Record] = []
        var reader = StanzaReader(MemorySource(output, path: "apt-cache show"))
        do throws(PackageScanError) {
            try reader.forEach { bytes in
                var fields: [String: String] = [:]
                Stanza(bytes: bytes).forEachField { name, value in
                    let name = text(name).lowercased()
                    if [
                        "package", "architecture", "version", "sha256", "size", "installed-size", "filename",
                        "source",
                    ]
                    .contains(name) {
                        fields[name] = text(value)
                    }
                }
                // Without a file name it is dpkg's own record of what is installed.
                guard let package = fields["package"], let architecture = fields["architecture"],
                    let version = fields["version"], let digest = fields["sha256"], digest.utf8.count == 64,
                    let bytes = fields["size"].flatMap({ Int64($0) }), fields["filename"] != nil
                else { return }
                let kibibytes = fields["installed-size"].flatMap { Int64($0) } ?? bytes * 4 / 1024
                let source = parseSource(fields["source"] ?? "", name: package, version: version)
                found.append(
                    Record(
                        name: package, architecture: architecture, version: version, source: source.source,
                        sourceVersion: source.version, sha256: digest.lowercased(), bytes: max(0, bytes),
                        installedBytes: max(0, min(kibibytes, 1 << 40)) * 1024))
            }
        } catch {
            throw .notStarted(error.description)
        }
        for record in found {
            records["\(record.name):\(record.architecture)=\(record.version)", default: []].append(record)
        }
    }
}
