import Digest
import Glibc
import Timestamps

/// The last grant of every host, remembered before it is signed: a fence is never used for two grants, whatever crashes.
///
/// One line a grant, with a checksum; the last line of a host counts. A torn last line belongs to a grant that was never
/// signed. Any other damage stops the signer: a forgotten fence would be a second right for one host.
struct FenceLog: Sendable {
    /// What is remembered of a host's last grant.
    struct Entry: Hashable, Sendable {
        var fence: Int64
        var epoch: Int64
        var job: String
        var notAfter: Timestamp
        /// Of the signed bytes, so that the same grant may be asked for again.
        var payload: SHA256Digest
        /// Of which plan, and whether it takes the host back; nil in lines of before that was kept.
        var order: Order?

        struct Order: Hashable, Sendable {
            var plan: SHA256Digest
            var rollsBack: Bool
        }
    }

    /// Whose.
    struct Key: Hashable, Sendable {
        var organisation: String
        var host: String
    }
    static let name = "fences"
    private let folder: PrivateFolder
    private(set) var entries: [Key: Entry] = [:]
    private var lines = 0
    private var size = 0

    /// The most bytes of the file: a million hosts and as many grants since it was last rewritten.
    static let maximumBytes = 512 << 20

    init(_ folder: PrivateFolder) throws(SignerError) {
        self.folder = folder
        let bytes = try folder.read(Self.name, limit: Self.maximumBytes) ?? []
        var start = 0
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            lines += 1
            guard let (key, entry) = Self.parse(bytes[start..<end]) else {
                throw SignerError(
                    "line \(lines) of \(folder.path(of: Self.name)) is damaged: restore that file from a backup, or set "
                        + "the signer up anew (docs/orders.md, \"Recovery\")")
            }
            entries[key] = entry
            start = end + 1
        }
        // The rest was being written when the power went: nothing was signed by it.
        size = start
        try rewrite()
    }

    /// Remembers a grant; durable when this returns.
    mutating func remember(_ entry: Entry, of key: Key) throws(SignerError) {
        if lines > 2 * entries.count + 10_000 { try rewrite() }
        let path = folder.path(of: Self.name)
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw SignerError("cannot open \(path)", errno) }
        defer { close(descriptor) }
        let line = Self.line(key, entry)
        guard lseek(descriptor, off_t(size), SEEK_SET) == off_t(size), PrivateFolder.write(line, to: descriptor),
            fdatasync(descriptor) == 0
        else {
            let code = errno
            // Half a line must not stay in front of the next one.
            ftruncate(descriptor, off_t(size))
            throw SignerError("cannot write \(path)", code)
        }
        size += line.count
        lines += 1
        entries[key] = entry
    }

    private mutating func rewrite() throws(SignerError) {
        var bytes: [UInt8] = []
        for (key, entry) in entries.sorted(by: {
            ($0.key.organisation, $0.key.host) < ($1.key.organisation, $1.key.host)
        }) {
            bytes += Self.line(key, entry)
        }
        try folder.replace(Self.name, with: bytes)
        size = bytes.count
        lines = entries.count
    }

    private static func line(_ key: Key, _ entry: Entry) -> [UInt8] {
        var text =
            "\(key.organisation) \(key.host) \(entry.fence) \(entry.epoch) \(entry.job) "
            + "\(entry.notAfter.milliseconds) \(entry.payload.hex)"
        if let order = entry.order { text += " \(order.plan.hex) \(order.rollsBack ? "back" : "forward")" }
        return Array("\(checksum(text)) \(text)\n".utf8)
    }

    private static func checksum(_ text: String) -> String { String(SHA256.hash(Array(text.utf8)).hex.prefix(16)) }

    private static func parse(_ line: ArraySlice<UInt8>) -> (Key, Entry)? {
        guard let text = String(validating: line, as: UTF8.self) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 8 || parts.count == 10, checksum(parts.dropFirst().joined(separator: " ")) == parts[0],
            let fence = Int64(parts[3]), let epoch = Int64(parts[4]), let end = Int64(parts[6]),
            let payload = SHA256Digest(hex: parts[7])
        else { return nil }
        var entry = Entry(
            fence: fence, epoch: epoch, job: parts[5], notAfter: Timestamp(milliseconds: end), payload: payload)
        if parts.count == 10 {
            guard let plan = SHA256Digest(hex: parts[8]), parts[9] == "back" || parts[9] == "forward" else {
                return nil
            }
            entry.order = .init(plan: plan, rollsBack: parts[9] == "back")
        }
        return (Key(organisation: parts[1], host: parts[2]), entry)
    }
}
