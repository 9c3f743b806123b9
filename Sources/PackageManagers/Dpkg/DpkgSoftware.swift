public import Inventory

/// What dpkg has on the disk, without anything about repositories.
public enum DpkgSoftware {
    /// The packages of a tree; removed ones whose configuration stays are none.
    ///
    /// Images without dpkg (distroless) have a file a package in `var/lib/dpkg/status.d`, which counts as well.
    ///
    /// - Throws: ``PackageScanError/noDpkg(root:)`` where there is neither, others where something cannot be read.
    public static func packages(root: String) throws(PackageScanError) -> [SoftwarePackage] {
        let tree = FileTree(root: root)
        let parts = try parts(tree)
        let distribution = OSRelease(tree).distribution
        guard !parts.isEmpty else { return packages(try DpkgDatabase(tree).packages, distribution) }
        var list: [DpkgPackage] = []
        do throws(PackageScanError) {
            list = try DpkgDatabase(tree).packages
        } catch {
            guard case .noDpkg = error else { throw error }
        }
        return packages(list + parts, distribution)
    }

    private static let folder = "var/lib/dpkg/status.d"

    private static func parts(_ tree: FileTree) throws(PackageScanError) -> [DpkgPackage] {
        let names: [String]
        do throws(FileError) {
            names = try tree.list(folder)
        } catch {
            if error.isMissing { return [] }
            throw error.scanError
        }
        var list: [DpkgPackage] = []
        for name in names.sorted() where !name.hasSuffix(".md5sums") && !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            let bytes: [UInt8]
            do throws(FileError) {
                bytes = try tree.read(path)
            } catch {
                throw error.scanError
            }
            try DpkgDatabase.parse(MemorySource(bytes, path: tree.name(path))) { list.append($0) }
        }
        // What is there is installed; such a file has no Status.
        return list.map { package in
            var package = package
            if package.want == .unknown { (package.want, package.state) = (.install, .installed) }
            return package
        }
    }

    /// The packages of a status file's content.
    public static func packages(
        status bytes: [UInt8], path: String, distribution: String
    ) throws(PackageScanError) -> [SoftwarePackage] {
        var list: [DpkgPackage] = []
        try DpkgDatabase.parse(MemorySource(bytes, path: path)) { list.append($0) }
        return packages(list, distribution)
    }

    private static func packages(_ list: [DpkgPackage], _ distribution: String) -> [SoftwarePackage] {
        list.filter(\.isOnDisk).map { package in
            SoftwarePackage(
                scheme: "deb", distribution: distribution, name: package.name, architecture: package.architecture,
                version: package.version, source: package.source, sourceVersion: package.sourceVersion)
        }
    }
}
