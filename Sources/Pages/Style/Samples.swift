public import HTML
import Inventory
public import Timestamps

/// Made-up data that shows every page: for the style page, for looking at, and for tests, which put hostile strings in.
public struct Samples: Sendable {
    /// What every text of a host or a person goes through.
    var text: @Sendable (String) -> String
    /// The time that is now.
    public let now = Timestamp(rfc3339: "2026-11-21T11:30:00Z") ?? Timestamp(milliseconds: 0)

    /// Samples whose texts go through that function.
    public init(text: @escaping @Sendable (String) -> String = { $0 }) {
        self.text = text
    }

    func before(_ seconds: Int64) -> Timestamp { now.adding(seconds: -seconds) }

    /// A context with a person who may do everything.
    public var context: PageContext {
        var context = PageContext(now: now, here: Location())
        context.person = text("Ada Byron")
        context.sections = Set(Section.allCases)
        context.organisation = OrganisationChoice(id: "acme", name: text("Acme GmbH"))
        context.organisations = [
            OrganisationChoice(id: "acme", name: text("Acme GmbH")),
            OrganisationChoice(id: "northwind", name: text("Northwind Traders")),
        ]
        context.csrf = "sample"
        return context
    }

    /// A context without a person.
    public var stranger: PageContext { PageContext(now: now, here: Location()) }

    var hosts: [HostRow] {
        let systems = ["Debian GNU/Linux 12 (bookworm)", "Ubuntu 24.04.3 LTS", "Debian GNU/Linux 13 (trixie)"]
        let rows: [(String, String, Int, Int, Bool?, Int64)] = [
            ("db-primary.berlin", "data", 14, 41, true, 31), ("web-01.berlin", "web", 9, 22, false, 12),
            ("web-02.berlin", "web", 9, 22, false, 44), ("mail.paris", "mail", 3, 7, true, 20),
            ("build-runner-7", "ci", 0, 18, false, 52), ("gateway.paris", "edge", 0, 0, true, 18),
            ("cache-03.berlin", "web", 0, 0, false, 9), ("backup.vault", "data", 0, 4, nil, 3 * 86_400),
            ("kiosk-lobby", "edge", 2, 30, nil, 9 * 86_400), ("ns1.paris", "edge", 0, 0, false, 33),
            ("ns2.paris", "edge", 0, 0, false, 35), ("metrics.berlin", "data", 0, 1, false, 27),
        ]
        return rows.enumerated().map { index, row in
            var host = HostRow(id: "h-\(1000 + index)", name: text(row.0))
            host.labels = [
                (text("site"), text(row.0.contains("paris") ? "paris" : "berlin")), (text("tier"), text(row.1)),
            ]
            host.operatingSystem = text(systems[index % systems.count])
            host.agent = text("0.3.0")
            host.security = row.2
            host.pending = row.3
            host.reboot = row.4
            host.broken = index == 4 ? 1 : 0
            host.restarts = row.2 > 0 ? 3 : 0
            host.lastSeen = before(row.5)
            host.lastScan = before(row.5 + 340)
            host.isSilent = row.5 > 5 * 86_400
            if host.isSilent {
                host.unjudged = text("the host is silent")
            } else if row.4 == nil {
                host.unjudged = text("a package index has expired")
            }
            return host
        }
    }

    var patches: [PatchRow] {
        let rows: [(String, String, Bool, Int, Int)] = [
            ("openssl", "3.0.18-1~deb12u2", true, 84, 84), ("linux-image-amd64", "6.1.158-1", true, 61, 61),
            ("libxml2", "2.9.14+dfsg-1.3~deb12u5", true, 47, 45), ("sudo", "1.9.13p3-1+deb12u3", true, 22, 22),
            ("nginx", "1.22.1-9+deb12u3", true, 12, 9), ("tzdata", "2026c-0+deb12u1", false, 97, 97),
            ("base-files", "12.4+deb12u12", false, 40, 40),
        ]
        return rows.map {
            PatchRow(
                name: text($0.0), candidate: text($0.1),
                origin: text($0.2 ? "Debian-Security bookworm" : "Debian bookworm"),
                isSecurity: $0.2, hosts: $0.3, upgradable: $0.4)
        }
    }

    var activity: [ActivityRow] {
        let rows: [(Int64, String, String, String, String)] = [
            (120, "Ada Byron", "host.released", "web-02.berlin", "reason: disk was cloned on purpose"),
            (900, "Grace Hopper", "token.created", "Web servers, rack 4", "uses 12"),
            (1500, "web-02.berlin", "host.enrolled", "web-02.berlin", "token fet-7"),
            (7200, "Ada Byron", "session.started", "from 192.0.2.7", "password and code"),
            (90_000, "operator:socket", "user.created", "Grace Hopper", "operator in acme"),
        ]
        return rows.enumerated().map { index, row in
            ActivityRow(
                id: Int64(900 - index), sequence: Int64(812 - index), time: before(row.0),
                actor: text("user:u-\(index)"),
                actorName: text(row.1), action: row.2, subject: text(row.3),
                location: index == 0 ? context.to("hosts", "h-1002") : nil, detail: text(row.4))
        }
    }

    /// Today with work.
    public var today: TodayModel {
        var model = TodayModel()
        let counts: [(TodayModel.Work.Kind, Int, HostsView)] = [
            (.security, 84, .security), (.reboot, 17, .reboot), (.broken, 1, .broken), (.silent, 5, .silent),
            (.stale, 2, .stale),
        ]
        model.work = counts.map { TodayModel.Work($0.0, count: $0.1, location: $0.2.location(context)) }
        model.campaigns = campaignRows.filter(\.needsPerson)
        model.work.append(
            TodayModel.Work(.restarts, count: 0, location: HostsQuery(["restarts": "yes"]).location(context)))
        model.active = 231
        model.lacking = 84
        model.others = 58
        model.current = 82
        model.unjudged = [(text("silent"), 5), (text("indexes expired"), 2)]
        model.inactive = [("quarantined", 1, HostsQuery(["status": "quarantined"]).location(context))]
        model.unjudgedLocation = HostsView.unjudged.location(context)
        model.patches = Array(patches.prefix(6))
        model.queue = (nil, Array(queueRows.prefix(3)), 71)
        model.patchCount = 38
        model.hosts = Array(hosts.prefix(6))
        model.activity = activity
        model.lastSeen = before(9)
        return model
    }

    /// Today with nothing to do.
    public var calm: TodayModel {
        var model = today
        model.work = model.work.map { TodayModel.Work($0.kind, count: 0, location: $0.location) }
        model.lacking = 0
        model.others = 0
        model.current = 231
        model.unjudged = []
        model.inactive = []
        model.patches = []
        model.hosts = []
        return model
    }

    /// The list of hosts.
    public var hostList: HostsModel {
        var model = HostsModel(query: HostsQuery(["status": "active"]))
        model.query = HostsQuery()
        model.rows = hosts
        model.total = 231
        model.views = zip(HostsView.allCases, [231, 84, 17, 5, 2, 1, 7]).map { ($0, $1) }
        model.next = "cursor"
        model.mayEnrol = true
        model.filters = [
            .init(
                "status", "Status",
                [.init("active", "Active", count: 231), .init("quarantined", "Quarantined", count: 1)]),
            .init(
                "security", "Security updates", [.init("yes", "Some wait", count: 84), .init("no", "None", count: 140)]),
            .init("os", "System", [.init("x", text("Debian GNU/Linux 12 (bookworm)"), count: 180)]),
        ]
        return model
    }

    var updates: [UpdateRow] {
        [
            UpdateRow(
                name: text("openssl"), architecture: text("amd64"), installed: text("3.0.17-1~deb12u1"),
                candidate: text("3.0.18-1~deb12u2"), origin: text("Debian-Security bookworm"), isSecurity: true,
                status: "upgradable", reason: ""),
            UpdateRow(
                name: text("nginx"), architecture: text("amd64"), installed: text("1.22.1-9"),
                candidate: text("1.22.1-9+deb12u3"), origin: text("Debian-Security bookworm"), isSecurity: true,
                status: "kept-back", reason: text("needs libnginx-mod-http-geoip2, which is not installable")),
            UpdateRow(
                name: text("tzdata"), architecture: text("all"), installed: text("2025b-0+deb12u2"),
                candidate: text("2026c-0+deb12u1"), origin: text("Debian bookworm"), isSecurity: false, status: "held",
                reason: text("on hold")),
        ]
    }

    var hostFacts: HostFacts {
        var facts = HostFacts(agentVersion: text("0.3.0"))
        facts.operatingSystem = .known(
            OperatingSystem(
                id: "debian", versionID: "12", codename: "bookworm", name: text("Debian GNU/Linux 12 (bookworm)")))
        facts.hostname = .known(text("db-primary.berlin"))
        facts.kernel = .known(
            KernelFacts(
                running: text("6.1.0-50-amd64"), runningVersion: text("6.1.148-1"), flavour: "amd64",
                installed: [
                    InstalledKernel(
                        package: "linux-image-6.1.0-50-amd64", release: text("6.1.0-50-amd64"), version: "6.1.148-1"),
                    InstalledKernel(
                        package: "linux-image-6.1.0-56-amd64", release: text("6.1.0-56-amd64"), version: "6.1.158-1"),
                ]))
        facts.reboot = .known(
            RebootVerdict(
                reasons: [
                    RebootReason(
                        kind: .kernel,
                        evidence: text("running 6.1.0-50-amd64 (6.1.148-1), installed 6.1.0-56-amd64 (6.1.158-1)")),
                    RebootReason(
                        kind: .serviceManager,
                        evidence: text("process 1 maps /usr/lib/x86_64-linux-gnu/libssl.so.3, replaced")),
                ],
                proof: [
                    text("212 of 212 processes were read"), text("message bus: runs what is installed"),
                    text("microcode: loaded 0x2b000603, installed 0x2b000603"),
                ]))
        facts.packages = .known(
            PackageFacts(
                abnormal: [
                    AbnormalPackage(
                        package: text("mysql-server"), version: text("8.0"), state: text("half-configured"),
                        needsReinstall: false)
                ],
                holds: [text("tzdata")], manuallyInstalled: .known([]), lastUpdate: .known(before(4000))))
        facts.restarts = .known([
            RestartNeed(
                kind: .unit, name: text("ssh.service"), user: "", processes: [text("sshd")],
                files: [text("/usr/lib/x86_64-linux-gnu/libcrypto.so.3")]),
            RestartNeed(
                kind: .session, name: text("deploy"), user: text("deploy"), processes: [text("bash")],
                files: [text("/usr/bin/bash")]),
        ])
        facts.disks = .known([
            DiskFacts(
                mountPoint: text("/"), device: text("/dev/vda1"), filesystem: "ext4", totalBytes: 42 << 30,
                freeBytes: 11 << 30,
                totalInodes: 1 << 21, freeInodes: 1 << 20, boot: true, readOnly: false),
            DiskFacts(
                mountPoint: text("/srv/pg"), device: text("/dev/vdb"), filesystem: "xfs", totalBytes: 900 << 30,
                freeBytes: 71 << 30,
                totalInodes: 1 << 21, freeInodes: 1 << 20, boot: false, readOnly: false),
        ])
        facts.memory = .known(MemoryFacts(totalBytes: 64 << 30, availableBytes: 21 << 30))
        facts.processors = .known(ProcessorFacts(count: 16, model: text("AMD EPYC 9354P")))
        facts.addresses = .known([NetworkAddress(interface: text("eth0"), address: text("192.0.2.14"), prefix: 24)])
        facts.hardware = .unknown(text("only root may read it"))
        return facts
    }

    /// One host.
    public func host(_ tab: HostTab) -> HostModel {
        var model = HostModel(row: hosts[0], tab: tab, enrolledAt: before(90 * 86_400))
        if tab == .windows { model.windows = hostWindows }
        model.findings = hostFindings
        model.enrolledWith = text("fet-7")
        model.interval = 60
        model.protocolVersion = 2
        model.certificate = (serial: "4f3a", notAfter: now.adding(seconds: 20 * 86_400))
        model.facts = hostFacts
        model.updates = updates
        model.jobs = Array(jobRows.prefix(2))
        model.mayPatch = true
        model.indexes = [
            IndexRow(
                name: text("Debian-Security bookworm-security"), site: text("deb.debian.org"), isSecurity: true,
                released: before(40_000), validUntil: now.adding(seconds: 500_000)),
            IndexRow(
                name: text("Debian bookworm"), site: text("deb.debian.org"), isSecurity: false,
                released: before(900_000), validUntil: nil),
        ]
        model.packages =
            updates.map {
                PackageRow(
                    name: $0.name, version: $0.installed, architecture: $0.architecture, source: $0.name,
                    candidate: $0.candidate, isSecurity: $0.isSecurity)
            }
            + (0..<40).map {
                PackageRow(
                    name: text("lib-sample\($0)"), version: text("1.\($0)-2"), architecture: text("amd64"),
                    source: text("sample"), candidate: nil, isSecurity: false)
            }
        model.packageCount = 843
        model.timeline = timelineRows
        model.timelineNext = "cursor"
        model.mayOperate = true
        model.mayManage = true
        if tab == .facts { model.duplicates = [(id: "h-9", name: text("db-old"), status: "retired")] }
        return model
    }

    var timelineRows: [TimelineRow] {
        [
            TimelineRow(.act, time: before(400), title: text("Ada Byron asked for a scan")),
            TimelineRow(
                .report, time: before(3600), title: "Packages changed", detail: text("seen by the scan of 10:30"),
                changes: [
                    (sign: "↑", name: text("libc6"), versions: text("2.36-9+deb12u10 → 2.36-9+deb12u13")),
                    (sign: "+", name: text("jq"), versions: text("1.6-2.1")),
                    (sign: "−", name: text("telnet"), versions: text("0.17")),
                ]),
            TimelineRow(.boot, time: before(86_400 * 12), title: "Started anew", detail: text("boot 2f1c…")),
            TimelineRow(.event, time: before(86_400 * 90), title: "Enrolled", detail: text("with token fet-7")),
        ]
    }
}
