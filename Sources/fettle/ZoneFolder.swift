import Glibc
import Schedule

/// The compiled zones of this machine.
struct ZoneFolder: Sendable {
    var path = "/usr/share/zoneinfo"

    /// The zone of an IANA name.
    func zone(_ name: String) throws -> Zone {
        if name == "UTC" { return .utc }
        guard Zone.isValidName(name) else {
            throw CommandFailure.failed("\"\(name.prefix(64))\" is no IANA zone; write one like Europe/Berlin, or UTC")
        }
        let file = "\(path)/\(name)"
        guard access(file, F_OK) == 0 else {
            throw CommandFailure.failed(
                "this machine has no zone \(name) in \(path); correct the name, or install tzdata")
        }
        return try Zone(name: name, tzif: InputFile.bytes(file, most: Zone.maximumFileBytes))
    }
}
