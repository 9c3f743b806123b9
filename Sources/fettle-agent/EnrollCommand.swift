import Agent
import ArgumentParser
import Glibc
import Wire

/// `fettle-agent enroll`: makes this host known to a server.
struct EnrollCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Enrol this host with a token from \"fettle tokens create\".",
        discussion: """
            Makes a key on this host, which never leaves it, and trusts only the authority that the token pins. \
            A token on the command line can be seen by other users while the command runs; --token-file avoids that.
            """)

    @Argument(help: "The token.")
    var token: String?

    @Option(help: ArgumentHelp("Read the token from this file; - is standard input.", valueName: "file"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("Where the agent keeps its state.", valueName: "folder"))
    var state: String = StateLayout.standard

    @Option(help: ArgumentHelp("Enrol at this address instead of the token's.", valueName: "host:port"))
    var serverAddress: String?

    @Flag(help: "Replace the identity that this host has, and drop the reports that it has not delivered.")
    var replace = false

    @Option(name: .customLong("protocol"), help: .hidden)
    var protocolVersion: Int = ProtocolVersion.current.rawValue

    func validate() throws {
        guard (token == nil) != (tokenFile == nil) else {
            throw ValidationError("Give the token, or --token-file with the file that it is in.")
        }
        if let serverAddress, ServerAddress(serverAddress) == nil {
            throw ValidationError("--server-address \(serverAddress) is not HOST:PORT.")
        }
        guard ProtocolVersion(rawValue: protocolVersion) != nil else {
            throw ValidationError("This agent speaks the protocols 1 and 2.")
        }
    }

    func run() throws {
        let text = try token ?? Self.read(tokenFile ?? "-")
        do {
            let enrolment = Enrolment(
                layout: StateLayout(state), token: try EnrolmentToken(parsing: text),
                address: serverAddress.flatMap { ServerAddress($0) }, replace: replace,
                version: ProtocolVersion(rawValue: protocolVersion) ?? .current)
            let identity = try enrolment.runAsCommand()
            print("Enrolled as host \(identity.grant.host) of organisation \(identity.grant.organisation).")
            print("Server: \(identity.grant.agentAddress). Certificate valid until \(identity.notAfter).")
            print(
                replace
                    ? "Restart the agent: systemctl restart fettle-agent" : "Next: systemctl enable --now fettle-agent")
        } catch {
            Journal.write(.error, "\(error)")
            throw ExitCode(1)
        }
    }

    private static func read(_ file: String) throws -> String {
        let descriptor = file == "-" ? 0 : open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError("open", file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        var count = 0
        while count < bytes.count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
            }
            guard got > 0 else { break }
            count += got
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
