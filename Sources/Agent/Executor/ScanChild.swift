import Glibc
import Inventory
import JSON
public import Wire

/// The short-lived process that scans: the three documents go to the executor over a pipe.
public enum ScanChild {
    /// The result of a scan.
    public struct Result: Sendable {
        /// Canonical bytes of the three documents.
        public var documents: [HostDocument: [UInt8]]
        /// When, and in which boot.
        public var observation: Observation

        /// A result.
        public init(documents: [HostDocument: [UInt8]], observation: Observation) {
            self.documents = documents
            self.observation = observation
        }
    }

    /// A document that breaks a limit of its form, so that no server would take it.
    public struct Unfit: Error, Hashable, Sendable, CustomStringConvertible {
        /// Which.
        public var document: HostDocument
        /// What is wrong with it, and where.
        public var problem: String

        public var description: String {
            "the \(document.rawValue) document that was made of this host is not fit to be sent: \(problem). "
                + "This is a defect of the agent: report it"
        }
    }

    /// Scans and writes the result to descriptor 3; descriptor 4, where there is one, is the host's network.
    ///
    /// The executor has no network of its own, but the host's addresses are among the facts.
    /// - Returns: the process's exit code.
    public static func run(_ scan: () throws -> Result) -> Int32 {
        SystemCalls.keepMemorySmall()
        _ = nice(10)
        let network = ChildProcess.firstDescriptor + 1
        // The package manager, which a scan may start, gets neither.
        _ = fcntl(ChildProcess.firstDescriptor, F_SETFD, FD_CLOEXEC)
        if fcntl(network, F_GETFD) >= 0 {
            _ = SystemCalls.enterNetwork(network)
            close(network)
        }
        var bytes: [UInt8]
        var code: Int32 = 0
        do {
            let result = try scan()
            try result.check()
            bytes = HostDocument.allCases.flatMap { Frame($0, result.documents[$0] ?? []).encoded }
            bytes += Frame(.observation, result.observation.json.canonicalBytes()).encoded
        } catch {
            bytes = Frame(.scanFailed, text: String("\(error)".prefix(2000))).encoded
            code = 1
        }
        var done = 0
        while done < bytes.count {
            let wrote = bytes.withUnsafeBytes {
                write(ChildProcess.firstDescriptor, $0.baseAddress?.advanced(by: done), bytes.count - done)
            }
            if wrote < 0, errno == EINTR { continue }
            if wrote < 0 { return 1 }
            done += wrote
        }
        return code
    }
}

extension ScanChild.Result {
    /// Reads the documents as a server does that receives them: what it would refuse must not be queued.
    ///
    /// - Throws: ``ScanChild/Unfit``.
    public func check() throws(ScanChild.Unfit) {
        do {
            _ = try LineDocument(parsing: documents[.set] ?? [], header: SoftwareSet.header)
        } catch {
            throw ScanChild.Unfit(document: .set, problem: "\(error)")
        }
        do {
            _ = try OfferSet(parsing: documents[.offers] ?? [])
        } catch {
            throw ScanChild.Unfit(document: .offers, problem: "\(error)")
        }
        do {
            _ = try HostFacts(parsing: documents[.facts] ?? [])
        } catch {
            throw ScanChild.Unfit(document: .facts, problem: "\(error)")
        }
    }
}
