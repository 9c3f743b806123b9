import CSQLite
import Glibc
public import Inventory
import SoftwareReading

/// Reads rpm's database in SQLite (`rpmdb.sqlite`, rpm 4.16 and later), without rpm.
public enum RPMDatabase {
    /// The packages that are installed.
    ///
    /// - Parameter distribution: as os-release names it, such as `almalinux-9.4`.
    /// - Throws: ``MatchInputError``.
    public static func packages(_ path: String, distribution: String) throws -> [SoftwarePackage] {
        try installed(path, distribution: distribution).map(\.package)
    }

    /// The same, each with the vendor that it names.
    static func installed(
        _ path: String, distribution: String
    ) throws -> [(package: SoftwarePackage, vendor: String)] {
        // The last transactions may stand in the log beside it alone. SQLite reads a log only where it may write.
        var log = stat()
        guard stat("\(path)-wal", &log) == 0, log.st_size > 0 else {
            return try read(path, isCopy: false, path, distribution)
        }
        return try ScratchCopy.with(path, ["", "-wal"]) { try read($0, isCopy: true, path, distribution) }
    }

    private static func read(
        _ file: String, isCopy: Bool, _ path: String, _ distribution: String
    ) throws -> [(package: SoftwarePackage, vendor: String)] {
        var database: OpaquePointer?
        // Immutable: the tree may be of another machine, and nothing may be written beside it.
        var address = "file:"
        for byte in file.utf8 {
            switch byte {
            case 0x25, 0x3F, 0x23: address += "%" + String(byte, radix: 16, uppercase: true)
            default: address.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        guard
            sqlite3_open_v2(
                address + (isCopy ? "" : "?immutable=1"), &database,
                (isCopy ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_URI, nil) == SQLITE_OK,
            let database
        else {
            sqlite3_close(database)
            throw MatchInputError("\(path) cannot be opened as rpm's database")
        }
        defer { sqlite3_close(database) }
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(database, "SELECT blob FROM Packages ORDER BY hnum", -1, &statement, nil) == SQLITE_OK
        else {
            throw MatchInputError(
                "\(path) has no table Packages: it is no database of rpm (\(String(cString: sqlite3_errmsg(database))))"
            )
        }
        defer { sqlite3_finalize(statement) }
        var packages: [(package: SoftwarePackage, vendor: String)] = []
        var damaged = 0
        while true {
            let result = sqlite3_step(statement)
            guard result == SQLITE_ROW else {
                guard result == SQLITE_DONE else {
                    throw MatchInputError("\(path) is damaged: \(String(cString: sqlite3_errmsg(database)))")
                }
                break
            }
            let size = Int(sqlite3_column_bytes(statement, 0))
            let bytes = UnsafeRawBufferPointer(start: sqlite3_column_blob(statement, 0), count: size)
            if let package = RPMHeader.read(bytes, distribution: distribution) {
                packages.append(package)
            } else if !RPMHeader.isKey(bytes) {
                damaged += 1
            }
        }
        // A package that cannot be read may be the one that matters.
        guard damaged == 0 else {
            throw MatchInputError("\(path): \(damaged) package headers are damaged; run rpm --rebuilddb")
        }
        return packages
    }
}
