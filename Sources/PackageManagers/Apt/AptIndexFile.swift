import Inventory
import Timestamps

/// One list of packages on the disk with what its repository says of it.
struct AptIndexFile: Sendable {
    /// The file, from the root.
    var path: String
    var source: AptSource
    /// The architecture it was fetched for.
    var architecture: String
    /// What stands in the Release file beside it; nil where there is none.
    var release: ReleaseFile?

    /// The host part of the repository's address.
    var site: String { AptListName.site(source.uri) }

    /// Its origin and dates, for ``Inventory/OfferSet``.
    var repositoryIndex: RepositoryIndex {
        let release = release ?? ReleaseFile()
        return RepositoryIndex(
            origin: PackageOrigin(
                origin: release.origin, label: release.label, suite: release.suite, codename: release.codename,
                component: source.component, site: site, security: release.isSecurity(site: site)),
            released: release.date, validUntil: release.validUntil)
    }
}

/// The lists that the configured repositories name and that are on the disk.
struct AptLists: Sendable {
    var files: [AptIndexFile] = []
    var problems: [IndexProblem] = []
    /// When the newest file among them was fetched, in seconds since 1970; nil where there is none.
    var newest: Int64?

    /// Looks for each configured suite's Release file and lists.
    init(_ tree: FileTree, folder: String, sources: AptSources) {
        let names = (try? tree.list(folder)) ?? []
        let present = Set(names)
        var used: Set<String> = []
        var releases: [String: ReleaseFile?] = [:]
        var taken: Set<String> = []
        for source in sources.entries {
            let base = AptListName.base(source)
            let stem = AptListName.file(base)
            if releases[stem] == nil {
                var release: ReleaseFile?
                for kind in ["InRelease", "Release"] where present.contains(stem + kind) {
                    used.insert(stem + kind)
                    do throws(PackageScanError) {
                        release = try ReleaseFile(tree.openList("\(folder)/\(stem)\(kind)"))
                    } catch {
                        problems.append(
                            IndexProblem(kind: .unreadable, subject: source.displayName, detail: error.description))
                    }
                    break
                }
                releases[stem] = .some(release)
            }
            used.insert(stem + "Release.gpg")
            let release = releases[stem] ?? nil
            let isFlat = source.component.isEmpty
            var found = false
            for architecture in source.architectures + ["all"] {
                let list = isFlat ? "Packages" : "\(source.component)/binary-\(architecture)/Packages"
                let name = AptListName.file(base + list)
                let compressed = Compression.allCases.map { name + $0.rawValue }
                for candidate in compressed where present.contains(candidate) { used.insert(candidate) }
                guard let file = compressed.first(where: present.contains) else { continue }
                found = true
                guard taken.insert(file).inserted else { continue }
                files.append(
                    AptIndexFile(
                        path: "\(folder)/\(file)", source: source, architecture: isFlat ? "" : architecture,
                        release: release))
            }
            if !found {
                problems.append(
                    IndexProblem(
                        kind: .missing, subject: source.displayName,
                        detail: release == nil ? "it was never fetched" : "its list of packages is not there"))
            } else if release == nil {
                problems.append(
                    IndexProblem(
                        kind: .noRelease, subject: source.displayName,
                        detail: "its origin and age are unknown; was it fetched without a signature?"))
            }
        }
        for name in names where !used.contains(name) && Self.isPackageList(name) {
            problems.append(
                IndexProblem(kind: .unused, subject: name, detail: "no configured repository names it"))
        }
        for name in used {
            guard present.contains(name), let status = tree.status("\(folder)/\(name)") else { continue }
            newest = max(newest ?? 0, status.modified)
        }
    }

    /// Adds a problem for each list that is older than its repository allows.
    mutating func noteExpired(now: Timestamp) {
        var seen: Set<String> = []
        for file in files {
            guard let until = file.release?.validUntil, until < now,
                seen.insert(file.source.displayName).inserted
            else { continue }
            problems.append(
                IndexProblem(kind: .expired, subject: file.source.displayName, detail: "it was valid until \(until)"))
        }
    }

    private static func isPackageList(_ name: String) -> Bool {
        let compression = Compression(of: name)
        return name.dropLast(compression.rawValue.count).hasSuffix("_Packages")
    }
}
