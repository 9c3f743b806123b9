import ArgumentParser
import Glibc
import JSON
import TextTable
import Timestamps

/// `fettle campaign watch`.
struct CampaignWatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Watch a campaign live until it ends: a line a host.",
        discussion: """
            A terminal is drawn anew; in a file or pipe every change of a host is a line. It ends with the campaign, and \
            where it is halted, for then it waits for somebody. Exit code 0: completed (or a rollback done); 1: anything \
            else.

            Examples:
              fettle campaign watch c-4f7a
              fettle campaign watch c-4f7a --timeout 7200 > campaign.log && echo proved
            """)
    @OptionGroup(title: "Which server") var data: DataOption
    @OptionGroup var organisation: OrganisationOption
    @Argument(help: "Its id, the beginning of it, or its title.", completion: campaignNames) var campaign: String
    @Option(help: "Ask every so many seconds.") var interval = 1
    @Option(help: "Give up after so many seconds; by default never.") var timeout: Int?

    func validate() throws {
        guard (1...3600).contains(interval) else { throw ValidationError("--interval takes 1 to 3600 seconds") }
        guard timeout.map({ $0 >= 1 }) ?? true else { throw ValidationError("--timeout takes at least 1 second") }
    }

    func run() async throws {
        let desk = CampaignClient(try data.client, organisation)
        let id = try await desk.find(campaign).text("id")
        let end = timeout.map { ContinuousClock.now + .seconds($0) }
        var screen = CampaignScreen(redraws: isatty(1) == 1 && environment("TERM") != "dumb")
        while true {
            var ended: (campaign: JSONValue, jobs: [JSONValue])?
            do {
                let found = try await desk.client.get(desk.path(id))
                let jobs = try await desk.jobs(id, limit: 100_000)
                screen.show(found, jobs)
                if found["ended"]?.bool == true || found.text("state") == "halted" { ended = (found, jobs) }
            } catch let failure as CommandFailure where failure.exitCode == CommandFailure.failure {
                // A server that restarts is no reason to go; one that refuses is.
                screen.interrupt("fettle: \(failure.description)")
            }
            // Outside: how it ended is no fault of the server's.
            if let ended { return try finish(ended.campaign, ended.jobs) }
            if let end, ContinuousClock.now >= end {
                throw CommandFailure.failed("it has not ended within \(timeout ?? 0) seconds; it goes on without you")
            }
            try await Task.sleep(for: .seconds(interval))
        }
    }

    private func finish(_ campaign: JSONValue, _ jobs: [JSONValue]) throws {
        let state = campaign.text("state")
        guard state != "completed", state != "rolled-back" else {
            return say("\(campaignTitle(campaign)) is \(state)")
        }
        var lines = ["\(campaignTitle(campaign)) is \(state). \(campaign.text("reason"))", campaign.text("next")]
        for job in jobs where job.text("state") != "succeeded" {
            lines.append("\(job.text("hostname")): \(job.text("state")). \(job.text("sentence"))")
        }
        throw CommandFailure.failed(lines.filter { !$0.isEmpty }.joined(separator: "\n"))
    }
}

/// A campaign on a terminal, drawn over itself, or as lines of what changed.
struct CampaignScreen {
    let redraws: Bool
    private var height = 0
    private var known: [String: String] = [:]

    init(redraws: Bool) { self.redraws = redraws }

    mutating func show(_ campaign: JSONValue, _ jobs: [JSONValue]) {
        if redraws { draw(campaign, jobs) } else { tell(campaign, jobs) }
    }

    /// Says something between two drawings.
    mutating func interrupt(_ text: String) {
        say(text)
        height = 0
    }

    private mutating func tell(_ campaign: JSONValue, _ jobs: [JSONValue]) {
        func line(_ key: String, _ text: String) {
            guard known[key] != text else { return }
            known[key] = text
            emit("\(now().description)  \(printable(text))\n")
        }
        line(
            "campaign",
            "\(campaign.text("title")): \(campaign.text("state")). \(campaign.text("reason")) \(campaign.text("next"))")
        for job in jobs {
            // Percents by tens: a log is to be read.
            let percent = job["percent"]?.integer.map { " \($0 / 10 * 10) %" } ?? ""
            let phase = job["ended"]?.bool == true ? "" : " \(job.text("phase"))\(percent)"
            line(job.text("host"), "\(job.text("hostname")): \(job.text("state"))\(phase). \(job.text("sentence"))")
        }
    }

    private mutating func draw(_ campaign: JSONValue, _ jobs: [JSONValue]) {
        var size = winsize()
        let isKnown = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 4
        let (rows, columns) = isKnown ? (Int(size.ws_row), Int(size.ws_col)) : (24, 80)
        let counts = (campaign["jobs"]?.object ?? [:]).filter { ($0.value.integer ?? 0) > 0 }
            .sorted { $0.key < $1.key }.map { "\($0.value.integer ?? 0) \($0.key)" }.joined(separator: ", ")
        var text = "\(campaignTitle(campaign)): \(campaign.text("state"))  \(counts)\n"
        text += "\(campaign.text("reason").isEmpty ? campaign.text("next") : campaign.text("reason"))\n"
        // What runs comes first where not all fit.
        let shown = jobs.sorted { left, right in
            (Self.rank(left), left.text("hostname")) < (Self.rank(right), right.text("hostname"))
        }.prefix(max(1, rows - 5))
        let table = tableText(
            ["HOST", "STATE", "PHASE", "%", "WHAT"],
            shown.map { job in
                let activity = job["ended"]?.bool == true ? "" : job.text("activity")
                return [
                    job.text("hostname"), job.text("state"), job["ended"]?.bool == true ? "" : job.text("phase"),
                    job.text("percent"), activity.isEmpty ? job.text("sentence") : activity,
                ]
            })
        if !jobs.isEmpty { text += table }
        if shown.count < jobs.count { text += "and \(jobs.count - shown.count) more\n" }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map {
            Self.cut(String($0), columns)
        }
        let up = height > 0 ? "\u{1B}[\(height)A\u{1B}[J" : ""
        emit(up + lines.joined(separator: "\n") + "\n")
        height = lines.count
    }

    private static func rank(_ job: JSONValue) -> Int {
        if job["needsPerson"]?.bool == true { return 0 }
        return job["ended"]?.bool == true ? 3 : job.text("phase").isEmpty ? 2 : 1
    }

    /// A line that does not wrap: what is drawn over must have as many lines as it takes.
    private static func cut(_ line: String, _ columns: Int) -> String {
        // Sequences of colour take no place.
        var (result, width, isEscape) = ("", 0, false)
        for character in line {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape {
                guard width < columns - 1 else { continue }
                width += 1
            }
            result.append(character)
            if isEscape, character.isLetter { isEscape = false }
        }
        return result
    }
}
