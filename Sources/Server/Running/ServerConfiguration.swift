/// A host name or address, and a port; 0 lets the system choose one.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// The name or address, without brackets.
    public var host: String
    /// The port.
    public var port: Int

    /// That host and port.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`, `[V6]:PORT`; nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: Int(port))
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// How a server runs.
public struct ServerConfiguration: Sendable {
    /// Where all of its state is.
    public var data: DataFolder
    /// `sqlite:PATH` or `postgresql://…`; nil for the embedded database in the data folder.
    public var database: String?
    /// Where agents with certificates connect.
    public var agents = ListenAddress(host: "127.0.0.1", port: 8443)
    /// Where hosts enrol.
    public var enrolment = ListenAddress(host: "127.0.0.1", port: 8444)
    /// Health and metrics.
    public var metrics = ListenAddress(host: "127.0.0.1", port: 8440)
    /// Pages and API, for people and their programs.
    public var web = ListenAddress(host: "127.0.0.1", port: 8080)
    /// PEM files of a certificate chain and its key for ``web``; nil for a certificate of the server's own authority.
    public var webCertificate: (chain: String, key: String)?
    /// Seconds without a request after which a browser's session ends.
    public var sessionIdleTime: Int64 = 3600
    /// Seconds after which a browser's session ends however much it is used.
    public var sessionLifetime: Int64 = 12 * 3600
    /// What hashing a password costs; stored passwords follow at their next login.
    public var passwordCost = PasswordCost.standard
    /// Passwords hashed at once, each with a thread and the memory that ``passwordCost`` says.
    public var passwordsAtOnce = 2
    /// DNS names and addresses by which hosts reach the server; the first is told to them.
    public var names: [String] = []
    /// Seconds between check-ins of hosts that enrol from now on; 5 to 86,400.
    public var interval: Int64 = 300
    /// Seconds between check-ins of hosts that have a job to do; 5 to 30.
    public var jobInterval: Int64 = 10
    /// Seconds between scans of hosts that enrol from now on.
    public var scanInterval: Int64 = 3600
    /// Seconds that a host's certificate is good for.
    public var certificateLifetime: Int64 = 30 * 86_400
    /// Seconds that the server's own certificate is good for.
    public var serverCertificateLifetime: Int64 = 7 * 86_400
    /// The least seconds between two exchange tokens of one host.
    public var exchangeRotation: Int64 = 3600
    /// Seconds for which requests in work may go on after a stop was asked for.
    public var drainTime: Int64 = 8
    /// The fewest seconds between two signed checkpoints of one audit tree.
    public var auditCheckpointInterval: Int64 = 60
    /// Seconds between two looks for audit leaves that have no number yet.
    public var auditSequencingInterval: Int64 = 1
    /// Whether a key that nothing joins to the one before may sign the audit log from now on: where the folder was lost.
    public var acceptsNewAuditKey = false
    /// What peers may cost.
    public var limits = ServerLimits()
    /// The socket of the process that signs the orders; nil for the one in the data folder.
    public var signer: String?
    /// Who signs the orders; nil for the process at ``signer``.
    public var orderSigner: (any OrderSigner)?
    /// The program's version, for logs and the API.
    public var version = "0.1.0"

    /// A server with that data folder and the defaults.
    public init(data: DataFolder) {
        self.data = data
    }

    /// Where the signer is.
    var signerSocket: String { signer ?? data.signerSocketPath }

    /// The database's address.
    var databaseAddress: String { database ?? "sqlite:\(data.databasePath)" }
}
