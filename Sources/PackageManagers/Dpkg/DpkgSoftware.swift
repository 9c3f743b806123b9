public import Inventory

/// What dpkg has on the disk, without anything about repositories.
public enum DpkgSoftware {
    /// The packages of a tree; removed ones whose configuration stays are none.
    ///
    /// - Throws: ``PackageScanError/noDpkg(root:)`` where there is no dpkg.
    public static func packages(root: String) throws(PackageScanError) -> [SoftwarePackage] {
        let tree = FileTree(root: root)
        return packages(try DpkgDatabase(tree).packages, OSRelease(tree).distribution)
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
