/// One message between the processes of an agent: a kind and its bytes.
///
/// On the socket: the payload's length (four bytes, big-endian), the kind (one byte), the payload.
/// Every kind has a limit of its own, checked before the memory is taken: the two processes do not trust each other.
public struct Frame: Hashable, Sendable {
    /// What a frame holds.
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// One of the three documents of a scan: a byte for which (0 set, 1 offers, 2 facts), then its bytes.
        case document = 1
        /// Ends a scan: the three documents before it belong together. JSON of ``Observation``.
        case observation = 2
        /// A scan failed; UTF-8 that says why.
        case scanFailed = 3
        /// What was scanned last may have changed; empty.
        case changed = 4
        /// The executor's state, JSON, for the status.
        case executorStatus = 5
        /// Asks the executor for a scan; UTF-8, the cause.
        case scanRequest = 6
        /// What the desired state orders, from the network process: JSON of ``JobOrders``. Believed only as far as its
        /// signatures are good.
        case orders = 7
        /// A job asks for its grant or its ticket: JSON of ``RelayedQuestion``.
        case jobQuestion = 8
        /// The server's answer to it: JSON of ``RelayedAnswer``.
        case jobAnswer = 9
        /// What is new of a job: JSON of ``RelayedProgress``.
        case jobProgress = 10
        /// What of it is on the server's disk: JSON of ``RelayedReply``.
        case jobReply = 11
        /// Asks the executor what changelogs could be read, or to read some: JSON of ``ChangelogOrder``.
        case changelogOrder = 12
        /// What came of it: JSON of ``ChangelogResult``.
        case changelogResult = 13

        /// The most bytes that a payload of this kind may have.
        public var maximumBytes: Int {
            switch self {
            case .document: (32 << 20) + 1
            case .observation, .scanFailed, .executorStatus: 64 << 10
            case .changed: 0
            case .scanRequest: 64
            case .orders: 8 << 20
            case .jobAnswer, .jobProgress: 2 << 20
            case .jobQuestion, .jobReply: 64 << 10
            case .changelogOrder: 4 << 10
            case .changelogResult: 1 << 20
            }
        }
    }

    /// What it holds.
    public var kind: Kind
    /// Its bytes.
    public var payload: [UInt8]

    /// A frame of that kind.
    public init(_ kind: Kind, _ payload: [UInt8] = []) {
        self.kind = kind
        self.payload = payload
    }

    /// A frame of that kind with text.
    public init(_ kind: Kind, text: String) {
        self.init(kind, Array(text.utf8))
    }

    /// A frame with one document.
    public init(_ document: HostDocument, _ bytes: [UInt8]) {
        var payload: [UInt8] = []
        payload.reserveCapacity(bytes.count + 1)
        payload.append(UInt8(HostDocument.allCases.firstIndex(of: document) ?? 0))
        payload.append(contentsOf: bytes)
        self.init(.document, payload)
    }

    /// The document of a ``Kind/document`` frame; nil for other frames and unknown documents.
    public var document: (kind: HostDocument, bytes: [UInt8])? {
        guard kind == .document, let which = payload.first, Int(which) < HostDocument.allCases.count else { return nil }
        return (HostDocument.allCases[Int(which)], Array(payload.dropFirst()))
    }

    /// The payload as text; invalid UTF-8 is replaced.
    public var text: String { String(decoding: payload, as: UTF8.self) }

    /// The bytes to write.
    public var encoded: [UInt8] {
        let length = UInt32(payload.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(payload.count + Self.headerBytes)
        for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: length >> shift)) }
        bytes.append(kind.rawValue)
        bytes.append(contentsOf: payload)
        return bytes
    }

    static let headerBytes = 5
}

/// Cuts a stream of bytes into frames.
public struct FrameDecoder: Sendable {
    private var buffer: [UInt8] = []

    /// A decoder at the start of a stream.
    public init() {}

    /// Takes the next bytes of the stream.
    public mutating func append(_ bytes: some Collection<UInt8>) {
        buffer.append(contentsOf: bytes)
    }

    /// Whether the stream may end here: nothing of an unfinished frame is waiting.
    public var isAtBoundary: Bool { buffer.isEmpty }

    /// The next whole frame; nil until more bytes have come.
    ///
    /// - Throws: ``FrameError`` for an unknown kind or a length over the kind's limit; the stream is lost then.
    public mutating func next() throws(FrameError) -> Frame? {
        guard buffer.count >= Frame.headerBytes else { return nil }
        let length = buffer[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard let kind = Frame.Kind(rawValue: buffer[4]) else { throw FrameError.unknownKind(buffer[4]) }
        guard length <= kind.maximumBytes else { throw FrameError.tooLong(kind, length) }
        let end = Frame.headerBytes + length
        guard buffer.count >= end else { return nil }
        let frame = Frame(kind, Array(buffer[Frame.headerBytes..<end]))
        if buffer.count == end { buffer = [] } else { buffer.removeFirst(end) }
        return frame
    }
}

/// Why a stream between the agent's processes cannot be read on.
public enum FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A kind that this version does not know.
    case unknownKind(UInt8)
    /// A payload longer than its kind may be.
    case tooLong(Frame.Kind, Int)

    public var description: String {
        switch self {
        case .unknownKind(let kind): "the other process of the agent sent a frame of unknown kind \(kind)"
        case .tooLong(let kind, let length):
            "the other process of the agent sent a \(kind) frame of \(length) bytes; at most \(kind.maximumBytes) are taken"
        }
    }
}
