import ArgumentParser
import Glibc
import Logging
import Server

/// `fettle serve`.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server until SIGTERM or Ctrl-C.",
        discussion: """
            Agents connect with client certificates, hosts enrol on a listener of their own, people and their programs use \
            pages and API over TLS, health and metrics are served on loopback, and the operator's commands use a Unix \
            socket in the data folder. The first login: fettle login-link.

            Examples:
              fettle serve --data /var/lib/fettle --listen-web 0.0.0.0:8080 --name fettle.example.org
              fettle serve --database postgresql://fettle@db/fettle
            """)

    @Option(name: .long, help: "The data folder; made where it is missing. Default: $FETTLE_DATA, else ./var.")
    var data: String?
    @Option(
        help:
            "sqlite:PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE. Default: $FETTLE_DATABASE, else SQLite in the data folder."
    )
    var database: String?
    @Option(help: "HOST:PORT for agents.")
    var listenAgents = "127.0.0.1:8443"
    @Option(help: "HOST:PORT for hosts that enrol.")
    var listenEnrolment = "127.0.0.1:8444"
    @Option(help: "HOST:PORT for health and metrics.")
    var listenMetrics = "127.0.0.1:8440"
    @Option(
        name: [.customLong("listen-web"), .customLong("web")],
        help: ArgumentHelp("HOST:PORT for pages and API, over TLS.", valueName: "address"))
    var listenWeb = "127.0.0.1:8080"
    @Option(
        help: "PEM file of the certificates for pages and API. Default: one of the server's own authority.",
        completion: .file())
    var webCertificate: String?
    @Option(help: "PEM file of that certificate's key.", completion: .file())
    var webKey: String?
    @Option(name: .customLong("name"), help: "A DNS name or address by which hosts reach the server; may be repeated.")
    var names: [String] = []
    @Option(help: "Seconds between check-ins of hosts that enrol from now on (5 to 86400).")
    var interval: Int64 = 300
    @Option(help: "Seconds between scans of hosts that enrol from now on (60 to 604800).")
    var scanInterval: Int64 = 3600
    @Option(help: "How long a host's certificate is good for: 30d, 12h, 90s.")
    var certificateLifetime = "30d"
    @Option(
        help: "The socket of a signer that runs by itself. Default: one is started with the server.",
        completion: .file())
    var signer: String?
    @Flag(
        help: ArgumentHelp(
            "Where the folder authority is lost: let a new key sign the audit log. Hosts have to be enrolled again."))
    var acceptNewAuditKey = false
    @Option(help: "How much to log: debug, info, warning, error.")
    var logLevel = "info"

    func run() async throws {
        umask(0o077)
        let logger = try Self.logger(logLevel)
        let server: FettleServer
        do {
            let configuration = try configuration()
            server = try await FettleServer.start(configuration, logger: logger, signals: true)
            let own = try signer == nil ? SignerProcess(data: configuration.data.path, logger: logger) : nil
            do {
                try await server.run()
            } catch {
                await own?.stop()
                throw error
            }
            await own?.stop()
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure.failed("\(error)")
        }
    }

    static func logger(_ level: String) throws -> Logger {
        guard let level = Logger.Level(rawValue: level) else {
            throw CommandFailure.usage("--log-level \(level) is none of trace, debug, info, notice, warning, error")
        }
        var logger = Logger(label: "fettle") { ServerLog(label: $0) }
        logger.logLevel = level
        return logger
    }

    private func configuration() throws -> ServerConfiguration {
        var configuration = ServerConfiguration(
            data: DataFolder(path: data ?? environment("FETTLE_DATA") ?? "./var"))
        configuration.database = database ?? environment("FETTLE_DATABASE")
        configuration.agents = try Self.address(listenAgents, "--listen-agents")
        configuration.enrolment = try Self.address(listenEnrolment, "--listen-enrolment")
        configuration.metrics = try Self.address(listenMetrics, "--listen-metrics")
        configuration.web = try Self.address(listenWeb, "--listen-web")
        switch (webCertificate, webKey) {
        case (let chain?, let key?): configuration.webCertificate = (chain, key)
        case (nil, nil): break
        default: throw CommandFailure.usage("--web-certificate and --web-key go together: give both or none")
        }
        configuration.names = names
        configuration.signer = signer
        configuration.acceptsNewAuditKey = acceptNewAuditKey
        guard (5...86_400).contains(interval) else {
            throw CommandFailure.usage("--interval \(interval) is not between 5 and 86400 seconds")
        }
        guard (60...604_800).contains(scanInterval) else {
            throw CommandFailure.usage("--scan-interval \(scanInterval) is not between 60 and 604800 seconds")
        }
        guard let lifetime = seconds(certificateLifetime) else {
            throw CommandFailure.usage("--certificate-lifetime \(certificateLifetime) is not a time such as 30d or 12h")
        }
        configuration.interval = interval
        configuration.scanInterval = scanInterval
        configuration.certificateLifetime = lifetime
        configuration.version = fettleVersion
        return configuration
    }

    private static func address(_ text: String, _ option: String) throws -> ListenAddress {
        guard let address = ListenAddress(text) else {
            throw CommandFailure.usage("\(option) \(text) is not HOST:PORT")
        }
        return address
    }
}
