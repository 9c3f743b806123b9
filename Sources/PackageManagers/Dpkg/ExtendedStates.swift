/// apt's own marks on installed packages: which were installed only because another needed them.
enum ExtendedStates {
    /// The packages with `Auto-Installed: 1`, as `name:architecture`; none where apt has written no such file.
    static func automatic(_ tree: FileTree, path: String) throws(PackageScanError) -> Set<String> {
        let file: PlainFile
        do throws(FileError) {
            file = try tree.open(path)
        } catch {
            if error.isMissing { return [] }
            throw error.scanError
        }
        var automatic: Set<String> = []
        var reader = StanzaReader(file, piece: 64 << 10)
        try reader.forEach { bytes in
            var name = ""
            var architecture = ""
            var isAutomatic = false
            Stanza(bytes: bytes).forEachField { field, value in
                if matches(field, "package") { name = text(value) }
                if matches(field, "architecture") { architecture = text(value) }
                if matches(field, "auto-installed") { isAutomatic = value.first == 0x31 }
            }
            if isAutomatic { automatic.insert("\(name):\(architecture)") }
        }
        return automatic
    }
}
