import Audit
import Glibc
import NIOCore

/// Cuts bytes that come in parts into lines, in memory for one line.
struct LineSplitter {
    private var rest: [UInt8] = []

    /// Takes a part and hands over each line that is whole, without its line feed.
    mutating func take(_ bytes: ByteBuffer, _ body: ([UInt8]) throws -> Void) throws {
        var view = bytes.readableBytesView[...]
        while let end = view.firstIndex(of: UInt8(ascii: "\n")) {
            rest += view[..<end]
            view = view[(end + 1)...]
            let line = rest
            rest.removeAll(keepingCapacity: true)
            try body(line)
        }
        rest += view
        guard rest.count <= AuditExportHeader.maximumLineBytes else {
            throw CommandFailure.failed(
                "a line has more than \(AuditExportHeader.maximumLineBytes) bytes: this is no export of Fettle")
        }
    }

    /// Hands over what came after the last line feed, if anything.
    func finish(_ body: ([UInt8]) throws -> Void) throws {
        if !rest.isEmpty { try body(rest) }
    }
}

/// Reads a file, or standard input for `-`, in parts.
func readParts(of path: String, _ take: (ByteBuffer) throws -> Void) throws {
    let descriptor = path == "-" ? 0 : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw CommandFailure.usage("cannot read \(path): \(String(cString: strerror(errno)))")
    }
    defer { if descriptor > 0 { close(descriptor) } }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count >= 0 else {
            throw CommandFailure.usage("cannot read \(path): \(String(cString: strerror(errno)))")
        }
        if count == 0 { return }
        try take(ByteBuffer(bytes: buffer[..<count]))
    }
}

/// A small file's text, or standard input's for `-`.
func readText(_ path: String, maximumBytes: Int) throws -> String {
    var bytes: [UInt8] = []
    try readParts(of: path) { part in
        bytes += part.readableBytesView
        guard bytes.count <= maximumBytes else {
            throw CommandFailure.usage("\(path) has more than \(maximumBytes) bytes")
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
