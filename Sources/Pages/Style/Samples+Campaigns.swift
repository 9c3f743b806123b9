import HTML
import Timestamps

extension Samples {
    /// The pages of campaigns with made-up data.
    var campaignPages: [(name: String, page: HTML)] {
        let context = context
        let events = Location("campaigns", "events")
        var empty = CampaignsModel()
        empty.mayWrite = true
        empty.approvalsRequired = 0
        return [
            ("campaigns", campaignsPage(campaigns, context, events: events)),
            ("campaigns-none", campaignsPage(empty, context, events: events)),
            ("campaign", campaignPage(campaign, context, events: events)),
            ("campaign-approval", campaignPage(awaiting, context, events: events)),
            ("campaign-halted", campaignPage(halted, context, events: events)),
            ("campaign-job", jobPage(job, context, events: events)),
            ("campaign-new", campaignFormPage(form, context)),
            ("why", whyPage(why, context, events: events)),
        ]
    }

    var campaignRows: [CampaignRow] {
        let rows: [(String, String, String, Int, Int)] = [
            ("OpenSSL on the web servers", "running", "", 12, 7),
            ("Kernel 6.1.158", "awaiting-approval", "", 61, 0),
            ("Security updates, Paris", "halted", "two hosts failed their checks", 20, 4),
            ("nginx", "completed", "", 3, 3), ("All updates, staging", "draft", "", 0, 0),
        ]
        return rows.enumerated().map { index, row in
            var campaign = CampaignRow(
                id: "c-\(index)", title: text(row.0), state: row.1, updated: before(Int64(index) * 4000 + 20))
            campaign.reason = text(row.2)
            campaign.next = text("At most 2 change at a time.")
            campaign.author = text("Grace Hopper")
            campaign.window = text("2026-11-21 22:00, 120 min, Europe/Berlin")
            campaign.hosts = row.3
            campaign.succeeded = row.4
            campaign.troubled = row.1 == "halted" ? 2 : 0
            campaign.hasEnded = row.1 == "completed"
            campaign.needsPerson = ["halted", "awaiting-approval"].contains(row.1)
            return campaign
        }
    }

    var campaigns: CampaignsModel {
        var model = CampaignsModel()
        model.rows = campaignRows
        model.next = "cursor"
        model.mayWrite = true
        return model
    }

    var jobRows: [JobRow] {
        let rows: [(String, String, Int?, String)] = [
            ("running", "apply", 64, "Installs 3 packages."),
            ("succeeded", "commit", nil, "openssl is at 3.0.18-1~deb12u2, and every check passed."),
            (
                "rolled-back", "commit", nil,
                "nginx.service did not come up; the host is at the versions of before, verified. Look at its log."
            ),
            ("offered", "", nil, "It waits for a permit: 2 of 2 are in use."),
            ("suspect", "reboot", nil, "Not heard of for 22 minutes, in a reboot. Look at its console."),
        ]
        return rows.enumerated().map { index, row in
            var job = JobRow(host: hosts[index].id, hostname: hosts[index].name)
            job.id = "0123456789abcdef0123456789abcde\(index)"
            job.campaign = "c-0"
            job.campaignTitle = text("OpenSSL on the web servers")
            job.state = row.0
            job.phase = row.1
            job.percent = row.2
            job.activity = row.0 == "running" ? text("Unpacks libssl3") : ""
            job.sentence = text(row.3)
            job.hasEnded = ["succeeded", "rolled-back"].contains(row.0)
            job.needsPerson = ["rolled-back", "suspect"].contains(row.0)
            job.lastHeard = index == 3 ? nil : before(Int64(index) * 300 + 4)
            job.attempt = index == 2 ? 2 : 1
            job.steps = ["openssl:amd64", "libssl3:amd64"].map {
                StepRow(package: text($0), from: text("3.0.17-1~deb12u2"), to: text("3.0.18-1~deb12u2"))
            }
            return job
        }
    }

    var campaign: CampaignModel {
        var model = CampaignModel(row: campaignRows[0])
        model.planDigest = String(repeating: "0d5f2ca7", count: 8)
        model.budget = 2
        model.notes = [text("web-02.berlin: libssl3:amd64 is kept back (a new dependency).")]
        model.approvals = [
            ApprovalRow(approver: text("Ada Byron"), time: before(7000), isSigned: true, counts: true),
            ApprovalRow(approver: text("Edsger Dijkstra"), time: before(90_000), isSigned: false, counts: false),
        ]
        model.targets = [
            TargetRow(
                distribution: text("debian-12"),
                packages: ["openssl:amd64", "libssl3:amd64"].map {
                    (text($0), [text("3.0.17-1~deb12u2")], text("3.0.18-1~deb12u2"))
                })
        ]
        model.actions = [("Reboot", "where needed, at most 3 times"), ("Checks", text("nginx.service; 3 times"))]
        model.counts = [("offered", 3), ("rolled-back", 1), ("running", 1), ("succeeded", 7)]
        model.hosts = jobRows
        model.hostsNext = "cursor"
        model.permitsHeld = 2
        model.permitsSuspect = 1
        model.allowed = ["pause", "halt", "cancel"]
        return model
    }

    private var awaiting: CampaignModel {
        var model = campaign
        model.row = campaignRows[1]
        model.row.approvalsRequired = 0
        model.approvals = []
        model.counts = []
        model.hosts = jobRows.map { row in
            var planned = JobRow(host: row.host, hostname: row.hostname)
            planned.steps = row.steps
            planned.reboot = text("Expected: a kernel changes.")
            planned.wayBack = text("The old packages; no snapshot: the file system of / is ext4, not btrfs.")
            return planned
        }
        model.permitsHeld = 0
        model.allowed = ["approve", "deny", "edit", "cancel"]
        return model
    }

    private var halted: CampaignModel {
        var model = campaign
        model.row = campaignRows[2]
        model.errors = [text("web-01.berlin: openssl:amd64 is held (apt-mark hold).")]
        model.rollsBack = "c-1"
        model.allowed = ["resume", "rollback", "close", "cancel"]
        return model
    }

    var job: JobModel {
        var model = JobModel(row: jobRows[4])
        model.row.steps = [("upgraded", ""), ("failed", "the maintainer script failed"), ("", "")].map { result in
            var step = StepRow(package: text("nginx:amd64"), from: text("1.22.1-9"), to: text("1.22.1-9+deb12u3"))
            step.result = result.0
            step.now = result.0.isEmpty ? "" : text("1.22.1-9+deb12u3")
            step.message = text(result.1)
            return step
        }
        model.entries = [
            ("received", "result", "The order is genuine, in date, and for this host."),
            ("prefetch", "result", "2 packages are here."),
            ("mutate-intent", "intent", "From here on packages change."),
            ("reboot", "intent", "Reboots to prove the new kernel."),
        ].enumerated().map { index, entry in
            EntryRow(
                ordinal: index + 1, time: before(2000 - Int64(index) * 100), phase: entry.0, kind: entry.1,
                text: text(entry.2), detail: index == 1 ? text("{\"bytes\":120332}") : "")
        }
        model.entryCount = 4
        model.log = text("Unpacking nginx (1.22.1-9+deb12u3) over (1.22.1-9) ...\nSetting up nginx ...")
        model.logSize = 120_332
        model.notBefore = before(4000)
        model.lastSafeStart = now.adding(seconds: 2000)
        model.notAfter = now.adding(seconds: 4000)
        model.holdsPermit = true
        model.mayWriteOff = true
        return model
    }

    var form: CampaignFormModel {
        var model = CampaignFormModel()
        model.values = [
            "title": text("OpenSSL on the web servers"), "packages": "named", "names": text("openssl, libssl3"),
            "hosts": text("web-01, web-02"), "minutes": "120", "zone": text("Europe/Berlin"), "budget": "2",
            "start": text("2026-11-21T22:00"),
        ]
        model.errors = ["selector": text("Name hosts or labels, not both.")]
        var preview = CampaignPreviewModel()
        preview.hostCount = 5
        preview.hosts = jobRows
        preview.notes = [text("web-02.berlin was last scanned over two days ago.")]
        preview.windows = [text("2026-11-21T21:00:00Z to 2026-11-21T23:00:00Z (2026-11-21 22:00 Europe/Berlin)")]
        preview.wayBack = text("A file system snapshot where the host can make one, else package downgrade.")
        model.preview = preview
        return model
    }

    var why: WhyModel {
        var model = WhyModel(host: hosts[1].id, hostname: hosts[1].name, package: text("openssl"))
        model.installed = [(text("amd64"), text("3.0.17-1~deb12u2"))]
        model.candidate = [(text("amd64"), text("3.0.18-1~deb12u2"))]
        model.reasons = [
            (
                "waiting-for-permit", text("It waits for a permit: 2 of 2 hosts of the campaign change just now."),
                text("Nothing: its turn comes, as long as the window is open.")
            ), ("upgradable", text("Its repositories offer it."), ""),
        ]
        model.campaigns = [campaignRows[0]]
        model.jobs = [jobRows[3]]
        model.mayWrite = true
        return model
    }
}
