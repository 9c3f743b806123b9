import Digest
import Glibc
import Inventory
import JSON
import Timestamps
public import Wire

/// The unprivileged process that talks to the network: the shell around ``AgentLoop``.
///
/// One thread blocks in poll(2) until the executor says something or the next contact is due; requests are made by it,
/// one at a time, over one event-loop thread. It ends when the executor does.
public final class NetworkProcess {
    /// How it is to run.
    public struct Options: Sendable {
        /// The protocol to speak.
        public var version: ProtocolVersion = .current
        /// The first contact comes 0 to this many seconds after the start.
        public var startDelay: Int64 = 60

        /// The standard options.
        public init() {}
    }

    private let socket: Int32
    private let folder: DurableFolder
    private let identities: IdentityStore
    private let documents: DocumentFolder
    private let link = ServerLink()
    private var identity: Identity
    private var pendingIdentity: Identity?
    private var queue: ReportQueue
    private var loop: AgentLoop
    private var random = SystemRandomNumberGenerator()
    private var decoder = FrameDecoder()
    private var scanned: [HostDocument: [UInt8]] = [:]
    private var executorStatus: JSONValue = .null
    private var notes: [String] = []
    private let started = Moment.now().wall
    private var space = SpaceWatch()

    /// The process with the state in `folder`, connected to the executor by `socket`.
    ///
    /// - Throws: ``NetworkProcessError/notEnrolled``, ``IdentityStoreError``, ``SystemError``.
    public init(socket: Int32, folder: DurableFolder, options: Options) throws {
        self.socket = socket
        self.folder = folder
        identities = IdentityStore(folder)
        documents = try DocumentFolder(in: folder)
        guard let identity = try identities.load() else { throw NetworkProcessError.notEnrolled }
        self.identity = identity
        queue = try ReportQueue(folder)
        let credentials = AgentLoop.Credentials(identity)
        let memory = Self.memory(in: folder, identity, credentials, &notes)
        if queue.damaged > 0 { notes.append("\(queue.damaged) lines of the report queue were damaged and left out") }
        loop = AgentLoop(
            memory: memory, credentials: credentials, queue: queue.view, version: options.version,
            startDelay: options.startDelay, bootID: MachineEvidence.read().bootID, readsChangelogs: true)
    }

    /// The memory on disk; where it is lost or damaged, the one of a new grant.
    private static func memory(
        in folder: DurableFolder, _ identity: Identity, _ credentials: AgentLoop.Credentials, _ notes: inout [String]
    ) -> AgentMemory {
        var memory: AgentMemory
        do {
            if let bytes = try folder.read(AgentMemory.file, limit: 16 << 20) {
                memory = try AgentMemory(json: JSONValue(parsing: bytes, limits: .facts))
            } else {
                memory = AgentMemory(exchangeToken: identity.grant.exchangeToken, epoch: identity.grant.epoch)
            }
        } catch {
            notes.append("\(AgentMemory.file) was damaged and begun anew: \(error)")
            memory = AgentMemory(exchangeToken: identity.grant.exchangeToken, epoch: identity.grant.epoch)
        }
        if memory.certificate != credentials.certificate {
            // A crash came between the new certificate and its token, or the host was just enrolled.
            if memory.exchangeToken != identity.grant.exchangeToken {
                memory.previousToken = memory.exchangeToken
                memory.exchangeToken = identity.grant.exchangeToken
            }
            memory.certificate = credentials.certificate
            memory.epoch = max(memory.epoch, identity.grant.epoch)
        }
        return memory
    }

    /// Runs until the executor closes the socket.
    ///
    /// - Throws: ``FrameError``, ``SystemError``: the process must end then; the executor starts another.
    public func run() throws {
        folder.keepReserve()
        try take(.started)
        while true {
            var wait: Int32 = -1
            if let wake = loop.wake {
                wait = Int32(clamping: max(0, wake - Moment.now().uptime))
            }
            if wait < 0 || wait >= 2000 { SystemCalls.trimMemory() }
            var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            let ready = poll(&descriptor, 1, wait)
            guard ready >= 0 || errno == EINTR else { throw SystemError("wait for", "the executor") }
            if ready > 0, try !receive() { return }
            if let wake = loop.wake, Moment.now().uptime >= wake {
                if space.changed() {
                    folder.keepReserve()
                    try send(Frame(.scanRequest, text: "changed"))
                }
                try take(.wake)
            }
        }
    }

    // MARK: The executor

    /// Takes what the executor sent; false when it has ended.
    private func receive() throws -> Bool {
        let bytes = try withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { buffer in
            let got = read(socket, buffer.baseAddress, buffer.count)
            guard got >= 0 || errno == EINTR else { throw SystemError("read from", "the executor") }
            return got > 0 ? Array(buffer[..<got]) : (got == 0 ? nil : [])
        }
        guard let bytes else { return false }
        decoder.append(bytes)
        while let frame = try decoder.next() { try take(frame) }
        return true
    }

    private func take(_ frame: Frame) throws {
        switch frame.kind {
        case .document:
            guard let document = frame.document else { return }
            scanned[document.kind] = document.bytes
        case .observation:
            defer { scanned = [:] }
            let observation = try Observation(json: JSONValue(parsing: frame.payload, limits: .message))
            guard let set = scanned[.set], let offers = scanned[.offers], let facts = scanned[.facts] else {
                return try take(.scanFailed("the scan's result was incomplete"))
            }
            let digests = HostDigests(
                set: SHA256.hash(set), offers: SHA256.hash(offers), facts: SHA256.hash(facts))
            try take(.scanned(observation, digests))
        case .scanFailed:
            scanned = [:]
            try take(.scanFailed(String(frame.text.prefix(500))))
        case .changed: try take(.changed)
        case .executorStatus:
            executorStatus = (try? JSONValue(parsing: frame.payload, limits: .message)) ?? .null
            writeStatus()
        case .jobQuestion:
            try take(.job(.question(RelayedQuestion(json: JSONValue(parsing: frame.payload, limits: .message)))))
        case .jobProgress:
            try take(.job(.progress(RelayedProgress(json: JSONValue(parsing: frame.payload, limits: .facts)))))
        case .changelogResult:
            try take(.changelogs(ChangelogResult(json: JSONValue(parsing: frame.payload, limits: .message))))
        case .scanRequest, .orders, .jobAnswer, .jobReply, .changelogOrder: break
        }
    }

    private func send(_ frame: Frame) throws(SystemError) {
        let bytes = frame.encoded
        var done = 0
        while done < bytes.count {
            let wrote = bytes.withUnsafeBytes { write(socket, $0.baseAddress?.advanced(by: done), bytes.count - done) }
            guard wrote >= 0 || errno == EINTR else { throw SystemError("write to", "the executor") }
            done += max(0, wrote)
        }
    }

    // MARK: Effects

    private func take(_ event: AgentLoop.Event) throws {
        try perform(loop.handle(event, now: .now(), random: &random), following: event)
    }

    private func perform(_ effects: [AgentLoop.Effect], following event: AgentLoop.Event) throws {
        for (index, effect) in effects.enumerated() {
            do {
                if let next = try perform(effect) { try take(next) }
            } catch let error as SystemError {
                // The disk refuses: nothing after it may happen, and nothing was acknowledged.
                loop.observe(queue.view)
                let answers = loop.handle(.storeFailed("\(error)"), now: .now(), random: &random)
                for effect in answers where effect == .disconnect || effect == .status { _ = try? perform(effect) }
                // The loop counts these scans as asked for, and asking needs no disk.
                for case .scan(let cause) in effects[(index + 1)...] { try send(Frame(.scanRequest, text: cause)) }
                return
            }
        }
        guard case .answered = event, effects.contains(where: \.changesQueue) else { return }
        try perform(loop.resume(now: .now(), random: &random), following: .wake)
    }

    /// Performs one effect; its outcome is the next event.
    private func perform(_ effect: AgentLoop.Effect) throws(SystemError) -> AgentLoop.Event? {
        switch effect {
        case .scan(let cause): try send(Frame(.scanRequest, text: cause))
        case .exchange(let exchange): return try perform(exchange)
        case .append(let observation, let digests, let cause):
            try append(observation, digests, cause)
            return .appended(digests)
        case .acknowledge(let expected):
            try queue.acknowledge(below: expected)
            loop.observe(queue.view)
            try collectDocuments()
        case .renumber(let first, let newIncarnation):
            try queue.renumber(from: first, newIncarnation: newIncarnation)
            loop.observe(queue.view)
        case .drop(let document):
            try queue.drop(naming: document)
            loop.observe(queue.view)
        case .adoptIdentity:
            guard let pendingIdentity else { break }
            try identities.save(pendingIdentity, newKey: false)
            identity = pendingIdentity
            self.pendingIdentity = nil
        case .trust(let authorities):
            guard authorities != identity.grant.authorities, let changed = identity.trusting(authorities) else { break }
            try identities.save(changed, newKey: false)
            identity = changed
            link.disconnect()
        case .save: try folder.replace(AgentMemory.file, with: loop.memory.json.canonicalBytes())
        case .disconnect: link.disconnect()
        case .status: writeStatus()
        case .order(let orders): try send(Frame(.orders, orders.json.canonicalBytes()))
        case .tellJob(let answer): try send(Frame(.jobAnswer, answer.json.canonicalBytes()))
        case .changelogs(let order): try send(Frame(.changelogOrder, order.json.canonicalBytes()))
        case .acknowledgeJob(let reply): try send(Frame(.jobReply, reply.json.canonicalBytes()))
        }
        return nil
    }

    private func append(_ observation: Observation, _ digests: HostDigests, _ cause: String) throws(SystemError) {
        // Documents first: a report on disk names only what is there.
        for document in HostDocument.allCases {
            if let bytes = scanned[document] { try documents.keep(bytes, digests[document]) }
        }
        let before = queue.incarnation
        try queue.append(
            observed: observation.observed, bootID: observation.bootID, digests: digests, cause: cause)
        while try documents.totalBytes() > DocumentFolder.maximumBytes, queue.reports.count > 3 {
            try queue.mergeMiddle()
            try collectDocuments(keeping: digests)
        }
        if queue.incarnation != before {
            notes.append("reports were merged at \(Moment.now().wall) because too many waited")
            notes = notes.suffix(10)
        }
        loop.observe(queue.view)
    }

    private func collectDocuments(keeping digests: HostDigests? = nil) throws(SystemError) {
        var kept: Set<SHA256Digest> = []
        let named =
            queue.reports.map(\.digests) + [digests, loop.memory.digests, loop.memory.acknowledged].compactMap(\.self)
        for digests in named { kept.formUnion(HostDocument.allCases.map { digests[$0] }) }
        try documents.removeAll(but: kept)
    }

    // MARK: Exchanges

    private func perform(_ exchange: AgentLoop.Exchange) throws(SystemError) -> AgentLoop.Event {
        do throws(ExchangeError) {
            switch exchange {
            case .checkIn(let message):
                return .answered(.checkIn(try link.checkIn(message, identity, loop.version)))
            case .report(let limit):
                let sent = Array(queue.reports.prefix(limit))
                let batch = ReportBatch(
                    exchangeToken: loop.memory.exchangeToken, incarnation: queue.incarnation, reports: sent)
                return .answered(.reports(try link.report(batch, identity, loop.version), sent: sent))
            case .upload(let document, let base): return try upload(document, base: base)
            case .state(let held):
                let state = try link.state(held: held, identity, loop.version)
                if let state, identity.trusting(state.authorities) == nil {
                    throw ExchangeError.violation(.strangeAuthorities)
                }
                return .answered(.state(state))
            case .renew: return .answered(try granted(link.renew(identity, loop.version)))
            case .comeBack:
                return .answered(try granted(link.comeBack(identity, evidence: .read(), loop.version)))
            case .job(.question(let question)):
                let answer = try link.ask(
                    question, exchangeToken: loop.memory.exchangeToken, identity, loop.version)
                return .answered(.job(answer, question))
            case .job(.progress(let progress)):
                let reply = try link.deliver(
                    progress, exchangeToken: loop.memory.exchangeToken, identity, loop.version)
                return .answered(.jobProgress(reply, progress))
            case .changelogs(let report):
                return .answered(.changelogs(try link.tellChangelogs(report, identity, loop.version), report))
            }
        } catch {
            return .failed(error)
        }
    }

    private func granted(_ grant: IdentityGrant) throws(ExchangeError) -> AgentLoop.Answer {
        do {
            let renewed = try Identity(
                verifying: grant, key: identity.key, now: Moment.now().wall, predecessor: identity)
            pendingIdentity = renewed
            return .identity(
                AgentLoop.Credentials(renewed), exchangeToken: grant.exchangeToken, epoch: grant.epoch)
        } catch {
            throw ExchangeError.violation(.grant(error))
        }
    }

    private func upload(_ document: NeededDocument, base: SHA256Digest?) throws(ExchangeError) -> AgentLoop.Event {
        let bytes: [UInt8]
        var delta: [UInt8]?
        do throws(SystemError) {
            guard let whole = try documents.read(document.digest) else { return .documentLost(document) }
            bytes = whole
            if let base, let old = try documents.read(base) { delta = Self.delta(from: old, to: whole) }
        } catch {
            throw ExchangeError.local("\(error)")
        }
        let result = try link.upload(
            document, bytes: delta ?? bytes, isDelta: delta != nil, identity, loop.version)
        if case .rejected(let why) = result {
            Journal.write(
                .warning,
                "the server found the \(document.document.rawValue) document \(document.digest) bad (\(why)); "
                    + "its reports are dropped and the host is scanned again")
        }
        return .answered(.uploaded(document, result))
    }

    /// The delta, where it is less than half as large as the document.
    private static func delta(from old: [UInt8], to new: [UInt8]) -> [UInt8]? {
        let header = String(decoding: new.prefix { $0 != 0x0A }, as: UTF8.self)
        guard let base = try? LineDocument(parsing: old, header: header),
            let target = try? LineDocument(parsing: new, header: header)
        else { return nil }
        let bytes = LineDelta(from: base, to: target).bytes
        return bytes.count < new.count / 2 ? bytes : nil
    }

    // MARK: Status

    private func writeStatus() {
        var status = NetworkStatus(loop, identity: identity, waiting: queue.reports.count)
        status.started = started
        status.notes = notes
        status.executor = executorStatus
        // Not synced: it describes the running process and is worth nothing after a crash.
        try? folder.replace(NetworkStatus.file, with: status.json.canonicalBytes(), durable: false)
    }
}

/// Why the network process cannot run.
public enum NetworkProcessError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The host has no identity.
    case notEnrolled

    public var description: String {
        "this host is not enrolled. Make a token on the server (fettle tokens create), then: fettle-agent enroll TOKEN"
    }
}

extension AgentLoop.Credentials {
    /// The credentials in that identity.
    public init(_ identity: Identity) {
        self.init(
            host: identity.grant.host, organisation: identity.grant.organisation,
            certificate: SHA256.hash(Array(identity.grant.certificate.utf8)).hex, notBefore: identity.notBefore,
            notAfter: identity.notAfter)
    }
}

extension ReportQueue {
    /// What the loop needs to know of it.
    public var view: AgentLoop.QueueView {
        AgentLoop.QueueView(incarnation: incarnation, first: first, next: next)
    }
}
