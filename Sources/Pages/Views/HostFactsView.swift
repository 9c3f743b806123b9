import HTML
import Inventory

/// All that a host says of itself, and what it could not find out.
func factsView(_ model: HostModel, _ context: PageContext) -> HTML {
    guard let all = model.facts else {
        return card("Facts", id: "facts") {
            emptyState(.unknown, "Nothing is known yet", "The host has not reported.")
        }
    }
    return div(.class("columns")) {
        div(.class("stack")) {
            system(all)
            disks(all)
        }
        div(.class("stack")) {
            machine(all)
            unknowns(all)
        }
    }
}

private func shown<Value>(_ fact: Fact<Value>, _ show: (Value) -> String) -> HTML {
    switch fact {
    case .known(let value): HTML(show(value))
    case .unknown(let why): span(.class("quiet")) { "unknown: \(why)" }
    }
}

private func system(_ all: HostFacts) -> HTML {
    card("System", id: "system") {
        facts([
            ("Name", shown(all.hostname) { $0 }),
            ("System", shown(all.operatingSystem) { $0.name }),
            ("Running kernel", shown(all.kernel) { $0.running }),
            ("Installed kernels", shown(all.kernel) { $0.installed.map(\.release).joined(separator: ", ") }),
            ("Boot", shown(all.bootID) { $0 }),
            ("Time zone", shown(all.timeZone) { $0 }),
            ("Clock", shown(all.clock) { $0.synchronised ? "synchronised" : "not synchronised" }),
            (
                "Addresses",
                shown(all.addresses) {
                    $0.map { "\($0.address)/\($0.prefix) on \($0.interface)" }.joined(separator: ", ")
                }
            ),
            ("Veto", shown(all.veto, vetoText)),
            (
                "Snapshot",
                shown(all.snapshot) { $0.kind == .none ? "none: \($0.why)" : "\($0.kind.rawValue): \($0.why)" }
            ),
            ("Agent", HTML(all.agentVersion)),
        ])
    }
}

/// What the host's administrator forbids, in words.
private func vetoText(_ veto: HostVeto) -> String {
    let words = veto.words.map { word in
        switch word {
        case .neverReboot: "never reboot"
        case .securityOnly: "security updates only"
        case .noScripts: "no scripts"
        case .noChangelogs: "no changelogs read"
        case .nothing: "nothing may be changed"
        }
    }
    if words.isEmpty { return "none" }
    return words.joined(separator: ", ") + (veto.problem.isEmpty ? "" : " (the veto file: \(veto.problem))")
}

private func machine(_ all: HostFacts) -> HTML {
    card("Machine", id: "machine") {
        facts([
            ("Made by", shown(all.hardware) { "\($0.vendor) \($0.product)" }),
            ("Firmware", shown(all.hardware) { "\($0.firmwareVersion) of \($0.firmwareDate)" }),
            ("Processors", shown(all.processors) { "\($0.count) × \($0.model)" }),
            ("Memory", shown(all.memory) { "\(bytes($0.availableBytes)) of \(bytes($0.totalBytes)) available" }),
            ("Virtual", shown(all.virtualisation) { $0 }),
            ("Container", shown(all.container) { $0 }),
        ])
    }
}

private func disks(_ all: HostFacts) -> HTML {
    card("File systems", id: "disks") {
        switch all.disks {
        case .known(let disks):
            dataTable(
                "File systems",
                [
                    Column<DiskFacts>("Mounted at", isName: true) { disk in
                        code { disk.mountPoint }
                        span(.class("sub")) { "\(disk.device) \(disk.filesystem)\(disk.readOnly ? ", read-only" : "")" }
                    },
                    Column("Used", isNumber: true) { disk in
                        let used = disk.totalBytes - disk.freeBytes
                        let part = disk.totalBytes > 0 ? Int(used * 100 / disk.totalBytes) : 0
                        return span(.class("metered")) {
                            meter(part, of: 100, tone: part >= 90 ? .critical : .info)
                            span { "\(part) %" }
                        }
                    },
                    Column("Free", isNumber: true) { HTML(bytes($0.freeBytes)) },
                ], disks, class: "compact")
        case .unknown(let why): unknownLine(why)
        }
    }
}

private func unknowns(_ all: HostFacts) -> HTML {
    let unknowns = all.unknowns
    return card("What could not be read", id: "unknowns", note: HTML(String(unknowns.count))) {
        if unknowns.isEmpty {
            emptyState(.check, "Everything could be read", "No probe failed.")
        } else {
            facts(unknowns.map { ($0.name, HTML($0.why)) })
        }
    }
}
