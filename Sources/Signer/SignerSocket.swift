import Glibc
import JSON
public import Timestamps

/// A Unix socket's blocking side, with bounded frames and bounded waits: both ends of the signer's protocol.
struct SignerStream: ~Copyable {
    private let descriptor: Int32

    init(_ descriptor: Int32, timeout: Int) {
        self.descriptor = descriptor
        var time = timeval(tv_sec: timeout, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    deinit { close(descriptor) }

    /// Writes one frame.
    func write(_ json: JSONValue) throws(SignerError) {
        let payload = json.canonicalBytes()
        let length = UInt32(clamping: payload.count)
        let header = [24, 16, 8, 0].map { (shift: UInt32) in UInt8(truncatingIfNeeded: length >> shift) }
        let bytes = header + payload
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SignerError("cannot write to the signer's socket", errno) }
            done += count
        }
    }

    /// Reads one frame of at most `limit` bytes; nil where the other side closed before its first byte.
    func read(limit: Int) throws(SignerError) -> [UInt8]? {
        guard let header = try bytes(4, isFirst: true) else { return nil }
        let length = header.reduce(0) { $0 << 8 | Int($1) }
        guard length <= limit else {
            throw SignerError("a message of \(length) bytes came over the signer's socket; \(limit) are the most")
        }
        return try bytes(length, isFirst: false)
    }

    private func bytes(_ wanted: Int, isFirst: Bool) throws(SignerError) -> [UInt8]? {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(wanted, 65_536))
        while result.count < wanted {
            let room = min(buffer.count, wanted - result.count)
            let count = recv(descriptor, &buffer, room, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw SignerError("the other end of the signer's socket does not answer", errno)
            }
            if count == 0 {
                if isFirst, result.isEmpty { return nil }
                throw SignerError("the other end of the signer's socket closed it in the middle of a message")
            }
            result.append(contentsOf: buffer[..<count])
        }
        return result
    }
}

/// The address of a Unix socket.
private func socketAddress(_ path: String) throws(SignerError) -> sockaddr_un {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
        throw SignerError("the path of the socket \(path) is too long for the system: use a shorter one")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return address
}

private func withAddress<R>(_ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
}

/// Asks a signer: connects, asks, reads the answer, and blocks its thread for it, `timeout` seconds at most for each step.
public func askSigner(_ request: SignerRequest, socket path: String, timeout: Int = 10) throws -> SignerReply {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SignerError("cannot make a socket", errno) }
    let stream = SignerStream(descriptor, timeout: timeout)
    let address = try socketAddress(path)
    guard withAddress(address, { connect(descriptor, $0, $1) }) == 0 else {
        throw SignerError("cannot reach the signer at \(path)", errno)
    }
    try stream.write(request.json)
    guard let bytes = try stream.read(limit: SignerReply.maximumBytes) else {
        throw SignerError("the signer at \(path) closed the connection without an answer")
    }
    let limits = JSONLimits(
        maximumBytes: SignerReply.maximumBytes, maximumDepth: 8, maximumItems: 1000,
        maximumStringBytes: SignerReply.maximumBytes)
    return try SignerReply(json: JSONValue(parsing: bytes, limits: limits))
}

/// Serves a signer on a Unix socket that only its owner can reach.
public struct SignerListener: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Listens; a socket that an ended signer left is replaced.
    public init(socket path: String) throws(SignerError) {
        self.path = path
        descriptor = try Self.listening(path)
    }

    private static func listening(_ path: String) throws(SignerError) -> Int32 {
        let address = try socketAddress(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SignerError("cannot make a socket", errno) }
        unlink(path)
        let mask = umask(0o177)
        let isBound = withAddress(address) { bind(descriptor, $0, $1) } == 0
        umask(mask)
        guard isBound, listen(descriptor, 128) == 0 else {
            let code = errno
            close(descriptor)
            throw SignerError("cannot listen on \(path)", code)
        }
        return descriptor
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    /// Answers questions, one at a time, until `parent` is closed at its other end, where one is given.
    ///
    /// - Parameters:
    ///   - parent: a descriptor, such as standard input, whose end is the end of the process that started this one.
    ///   - clock: the time.
    ///   - log: told of every refusal.
    public func serve(
        _ signer: inout Signer, parent: Int32?, clock: () -> Timestamp, log: (String) -> Void
    ) throws(SignerError) {
        while true {
            var polled = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
            if let parent { polled.append(pollfd(fd: parent, events: Int16(POLLIN), revents: 0)) }
            if poll(&polled, nfds_t(polled.count), -1) < 0 {
                if errno == EINTR { continue }
                throw SignerError("cannot wait on \(path)", errno)
            }
            if polled.count > 1, polled[1].revents != 0 { return }
            guard polled[0].revents != 0 else { continue }
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else {
                // Too many open files, or the peer is gone already: neither is a reason to end.
                if errno != ECONNABORTED, errno != EINTR { usleep(50_000) }
                continue
            }
            do {
                try answer(SignerStream(connection, timeout: 5), &signer, clock, log)
            } catch {
                log("\(error)")
            }
        }
    }

    private func answer(
        _ stream: consuming SignerStream, _ signer: inout Signer, _ clock: () -> Timestamp, _ log: (String) -> Void
    ) throws(SignerError) {
        guard let bytes = try stream.read(limit: SignerRequest.maximumBytes) else { return }
        let reply: SignerReply
        do {
            let request = try SignerRequest(json: JSONValue(parsing: bytes, limits: SignerRequest.limits))
            reply = signer.answer(request, now: clock())
        } catch {
            reply = .refused(
                SignerRefusal(
                    .malformed,
                    "The signer cannot read the question (\(error)); server and signer may be of different versions."))
        }
        if case .refused(let refusal) = reply { log("refused (\(refusal.code.rawValue)): \(refusal)") }
        try stream.write(reply.json)
    }
}
