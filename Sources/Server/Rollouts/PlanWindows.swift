import Glibc
import Rollout
import Schedule
import Timestamps

/// Why a window is none.
struct PlanWindowError: Error, Hashable, Sendable {
    /// One sentence with its cure.
    var reason: String
}

/// Makes absolute times of a plan's window, by the system's zone files.
struct PlanWindows: Sendable {
    /// Where the compiled zones are.
    var folder = "/usr/share/zoneinfo"

    /// A window in absolute time.
    struct Occurrence: Hashable, Sendable {
        /// Its start,
        var start: Timestamp
        /// the last moment at which a host may begin,
        var lastSafeStart: Timestamp
        /// and its end.
        var end: Timestamp
        /// What people should know: a local time that a change of clocks skipped or repeats; empty where nothing is.
        var note = ""
    }

    /// The window on the clocks of that zone.
    ///
    /// - Throws: ``PlanWindowError``.
    func occurrence(of window: PlannedWindow, in name: String, _ actions: JobActions) throws -> Occurrence {
        let zone = try zone(name)
        let found: WindowOccurrence
        do {
            found = try WindowOccurrence(
                window, zone: zone, needs: WindowNeeds(estimate: WindowNeeds.minimumEstimate, actions: actions))
        } catch {
            throw PlanWindowError(reason: "\(error)")
        }
        var occurrence = Occurrence(
            start: found.window.notBefore, lastSafeStart: found.window.lastSafeStart, end: found.window.notAfter)
        switch found.resolution {
        case .only: break
        case .shifted:
            occurrence.note =
                "The clocks of \(name) jump over \(window.start): the window begins at \(occurrence.start), as much after the "
                + "jump."
        case .first:
            occurrence.note =
                "\(window.start) comes twice in \(name) that day: the window begins the first time, at \(occurrence.start)."
        }
        return occurrence
    }

    /// The zone of an IANA name.
    ///
    /// - Throws: ``PlanWindowError``.
    func zone(_ name: String) throws -> Zone {
        if name == "UTC" { return .utc }
        guard Zone.isValidName(name) else {
            throw PlanWindowError(reason: "\"\(name)\" is no IANA zone; write one like Europe/Berlin, UTC or host")
        }
        guard let bytes = Self.read("\(folder)/\(name)") else {
            throw PlanWindowError(
                reason: "this server has no zone \(name) in \(folder); correct the name, or install tzdata")
        }
        do { return try Zone(name: name, tzif: bytes) } catch {
            throw PlanWindowError(reason: "the zone \(name) cannot be read: \(error)")
        }
    }

    /// A file's bytes, one more than a zone may have at the most; nil where it cannot be read.
    private static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count <= Zone.maximumFileBytes {
            let count = Glibc.read(file, &piece, piece.count)
            if count < 0 { return nil }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return bytes
    }
}
