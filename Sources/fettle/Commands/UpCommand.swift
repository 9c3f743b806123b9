import ArgumentParser
import Glibc
import JSON
import Logging
import Server
import Timestamps

/// `fettle up`: server and agent on this machine, to see in a minute what is missing here.
struct UpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Start a server and an agent on this machine and show what is missing here; Ctrl-C ends both.",
        discussion: """
            The server listens on loopback only and keeps everything under the data folder; the agent is the real one, \
            enrolled through the real protocol. Nothing else on the machine is changed. A second start resumes.

            Examples:
              fettle up
              fettle up --data /srv/try --interval 60
            """)

    @Option(name: .long, help: "The data folder. Default: $FETTLE_DATA, else ./var.", completion: .directory)
    var data: String?
    @Option(help: "Seconds between check-ins (5 to 86400).")
    var interval: Int64 = 30

    func run() async throws {
        umask(0o077)
        let signals = StopSignals()
        let up = try Up(data: data ?? environment("FETTLE_DATA") ?? "./var", interval: interval)
        try await up.run(signals)
    }
}

/// One run of `fettle up`.
private struct Up {
    let data: String
    let interval: Int64
    let agentProgram: String
    var agentState: String { "\(data)/agent" }
    var agentLog: String { "\(data)/agent.log" }
    var client: OperatorClient { OperatorClient(data: data) }

    init(data: String, interval: Int64) throws {
        guard (5...86_400).contains(interval) else {
            throw CommandFailure.usage("--interval \(interval) is not between 5 and 86400 seconds")
        }
        self.data = data
        self.interval = interval
        let own = try ownProgram()
        agentProgram = String(own[..<(own.lastIndex(of: "/") ?? own.endIndex)]) + "/fettle-agent"
        guard access(agentProgram, X_OK) == 0 else {
            throw CommandFailure.failed(
                "the agent is not beside this program (\(agentProgram)); build it: swift build -c release --product fettle-agent"
            )
        }
    }

    func run(_ signals: StopSignals) async throws {
        let server = try await startServer()
        let signer = try SignerProcess(data: data, output: "\(data)/signer.log", logger: Logger(label: "fettle"))
        do {
            try await run(server, signals)
        } catch {
            await signer.stop()
            throw error
        }
        await signer.stop()
    }

    private func run(_ server: FettleServer, _ signals: StopSignals) async throws {
        let started = now()
        let ended = Task { try await server.run() }
        guard await server.readiness.wait() else {
            try await report(ended)
            return
        }
        var agent: ChildProcess?
        do {
            // A stop may come while enrolment or the first scan still runs.
            agent = try await withThrowingTaskGroup(of: ChildProcess?.self) { group in
                group.addTask { try await show(since: started) }
                group.addTask {
                    try await signals.wait(for: 1)
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        } catch {
            await server.stop()
            try? await ended.value
            throw error
        }
        if let agent { try await stay(agent, signals) }
        await server.stop()
        try await report(ended)
    }

    private func report(_ ended: Task<Void, any Error>) async throws {
        do {
            try await ended.value
        } catch {
            throw CommandFailure.failed("\(error)")
        }
    }

    // MARK: - The server

    private func startServer() async throws -> FettleServer {
        var configuration = ServerConfiguration(data: DataFolder(path: data))
        configuration.version = fettleVersion
        configuration.interval = interval
        configuration.scanInterval = 600
        do {
            try configuration.data.create()
            let ports = try Ports(data: data, enrolled: enrolledHost() != nil)
            configuration.agents = ListenAddress(host: "127.0.0.1", port: ports.agents)
            configuration.enrolment = ListenAddress(host: "127.0.0.1", port: ports.enrolment)
            configuration.metrics = ListenAddress(host: "127.0.0.1", port: ports.metrics)
            configuration.web = ListenAddress(host: "127.0.0.1", port: ports.web)
            var logger = Logger(label: "fettle") { ServerLog(label: $0) }
            logger.logLevel = .warning
            let server = try await FettleServer.start(configuration, logger: logger)
            say("server on 127.0.0.1, ports \(ports.agents) and \(ports.enrolment); data in \(data)")
            return server
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure.failed("\(error)")
        }
    }

    // MARK: - The agent

    /// The host that the agent's state says this machine is; nil where it is not enrolled.
    private func enrolledHost() -> String? {
        let path = "\(data)/up-host"
        guard access("\(agentState)/network", F_OK) == 0, let bytes = contents(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Enrols where that is still to be done, starts the agent, waits for its word, and prints what is missing.
    private func show(since started: Timestamp) async throws -> ChildProcess {
        let host = try await identity()
        let agent = try ChildProcess(
            agentProgram, ["run", "--state", agentState, "--start-delay", "0"], output: agentLog)
        do {
            try await waitForReport(host, agent, since: started)
            let json = try await client.get("/api/v1/hosts/\(host)")
            say("")
            printHost(json)
            fflush(nil)
            let link = try await client.post("/api/v1/login-links")
            let first = WhatFirst(client: client, data: data, base: link.text("url"))
            let sentences = try await shown("comparing with the feeds") { try await first.sentences() }
            say(sentences)
            sayMore(link)
            return agent
        } catch {
            await end(agent)
            throw error
        }
    }

    private func identity() async throws -> String {
        if let host = enrolledHost(), (try? await client.get("/api/v1/hosts/\(host)"))?["status"]?.string == "active" {
            return host
        }
        let before = try await hostIDs()
        let token = try await client.post(
            "/api/v1/enrolment-tokens", ["uses": 1, "expiresIn": 600, "note": "fettle up"])
        let file = "\(data)/up-token"
        unlink(file)
        try write(file, token.text("token"))
        defer { unlink(file) }
        let child = try ChildProcess(
            agentProgram, ["enroll", "--state", agentState, "--token-file", file, "--replace"], output: agentLog)
        let code = try await shown("enrolling this machine") { try await child.ended() }
        guard code == 0 else {
            throw CommandFailure.failed("fettle-agent enroll failed (\(code)); the end of \(agentLog):\n\(tail())")
        }
        guard let host = try await hostIDs().subtracting(before).first else {
            throw CommandFailure.failed("the agent enrolled, but the server shows no new host")
        }
        try write("\(data)/up-host", host)
        return host
    }

    private func hostIDs() async throws -> Set<String> {
        Set(try await client.list("/api/v1/hosts", [("limit", "500")]).map { $0.text("id") })
    }

    private func waitForReport(_ host: String, _ agent: ChildProcess, since started: Timestamp) async throws {
        try await shown("scanning this machine") {
            while true {
                if let code = agent.exit {
                    throw CommandFailure.failed("the agent ended (\(code)); the end of \(agentLog):\n\(tail())")
                }
                let json = try await client.get("/api/v1/hosts/\(host)")
                if json["lastReport"]?.string != nil, let seen = json["lastSeen"]?.string,
                    let time = Timestamp(rfc3339: seen), time >= started
                {
                    return
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    private func sayMore(_ link: JSONValue) {
        // A context in use would take the commands elsewhere.
        let isFound = data == "./var" && (try? ContextFile.read())?.current == nil
        let option = isFound ? "" : " --data \(data)"
        say(
            """

            Look further in a browser, logged in as \(link.text("user")) by this link, once, within ten minutes:
              \(link.text("url"))
            or in another terminal:
              fettle hosts list\(option)
              fettle patches --security\(option)
              fettle hosts diff HOST --from 24h\(option)
              fettle tokens create\(option)          to enrol another host
              fettle login-link\(option)             for another link
            The server checks this machine every \(interval) seconds. Ctrl-C ends server and agent.
            """)
    }

    // MARK: - The end

    /// Stays until a signal comes or the agent ends; a second signal ends hard.
    private func stay(_ agent: ChildProcess, _ signals: StopSignals) async throws {
        let died: Int32? = try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask { try await agent.ended() }
            group.addTask {
                try await signals.wait(for: 1)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        if let died {
            throw CommandFailure.failed("the agent ended by itself (\(died)); the end of \(agentLog):\n\(tail())")
        }
        say("stopping")
        let hard = Task {
            try await signals.wait(for: 2)
            agent.send(SIGKILL)
            _exit(130)
        }
        await end(agent)
        hard.cancel()
    }

    /// Ends the agent in order; after ten seconds hard.
    private func end(_ agent: ChildProcess) async {
        // A task of its own: the caller may have been cancelled, and the end is waited for all the same.
        await Task {
            agent.send(SIGTERM)
            for _ in 0..<100 where agent.exit == nil { try? await Task.sleep(for: .milliseconds(100)) }
            if agent.exit == nil { agent.send(SIGKILL) }
            _ = try? await agent.ended()
        }.value
    }

    /// Runs `body`, and says what it is about where it takes longer than two seconds.
    private func shown<T: Sendable>(_ what: String, _ body: @Sendable () async throws -> T) async throws -> T {
        let start = ContinuousClock.now
        let progress = Task {
            try await Task.sleep(for: .seconds(2))
            while true {
                let seconds = (ContinuousClock.now - start).components.seconds
                sayProgress("\(what) … \(seconds) s", isFirst: false)
                if !showsProgress, seconds == 2 || seconds % 10 == 0 { say("\(what) … \(seconds) s") }
                try await Task.sleep(for: .seconds(1))
            }
        }
        defer { progress.cancel() }
        sayProgress(what + " …", isFirst: true)
        return try await body()
    }

    private func tail() -> String {
        let text = contents(agentLog).map { String(decoding: $0.suffix(2000), as: UTF8.self) } ?? ""
        return text.split(separator: "\n").suffix(8).joined(separator: "\n")
    }
}

/// The ports of `fettle up`: the usual ones, or others that were free and are remembered.
private struct Ports {
    var agents = 8443
    var enrolment = 8444
    var metrics = 8440
    var web = 8080

    init(data: String, enrolled: Bool) throws {
        let path = "\(data)/up-ports"
        if let bytes = contents(path) {
            let numbers = String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Int($0) }
            if numbers.count >= 3 { (agents, enrolment, metrics) = (numbers[0], numbers[1], numbers[2]) }
            if numbers.count >= 4 { web = numbers[3] }
        }
        if enrolled {
            // The agent knows these: others would leave it without a server.
            for port in [agents, enrolment] where !isFree(port) {
                throw CommandFailure.failed(
                    """
                    port \(port) of 127.0.0.1, where this machine's agent expects the server, is used by another program.
                    See which: ss -ltnp 'sport = :\(port)'. End it, or begin anew with another folder: fettle up --data DIR
                    """)
            }
        } else {
            if !isFree(agents) { agents = try freePort() }
            if !isFree(enrolment) { enrolment = try freePort() }
        }
        if !isFree(metrics) { metrics = try freePort() }
        if !isFree(web) { web = try freePort() }
        try write(path, "\(agents) \(enrolment) \(metrics) \(web)")
    }
}

private func isFree(_ port: Int) -> Bool { loopbackPort(port) != nil }

private func freePort() throws -> Int {
    guard let port = loopbackPort(0) else { throw CommandFailure.failed("no port of 127.0.0.1 is free") }
    return port
}

private func contents(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { return bytes }
        bytes += buffer[..<count]
    }
}

private func write(_ path: String, _ text: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
        throw CommandFailure.failed("cannot write \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard bytes.withUnsafeBytes({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == bytes.count else {
        throw CommandFailure.failed("cannot write \(path): \(String(cString: strerror(errno)))")
    }
}
