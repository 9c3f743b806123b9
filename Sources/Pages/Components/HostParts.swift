import HTML

// What several pages say of hosts, said once.

/// How a host stands, in one badge.
func verdict(_ row: HostRow) -> HTML {
    guard row.status == "active" else {
        return badge(row.status == "quarantined" ? .critical : .neutral, row.status.capitalisedFirst, icon: .lock)
    }
    if row.isSilent { return badge(.unknown, "Silent", icon: .silent, title: row.unjudged ?? "") }
    if let why = row.unjudged { return badge(.unknown, "Not judged", title: why.capitalisedFirst) }
    if let security = row.security, security > 0 { return badge(.critical, "Lacks security") }
    if let broken = row.broken, broken > 0 { return badge(.critical, "Broken", icon: .broken) }
    if row.reboot == true { return badge(.warning, "Reboot", icon: .reboot) }
    if let pending = row.pending, pending > 0 { return badge(.info, "Updates", icon: .up) }
    return badge(.good, "Current")
}

/// The name of a host as a link, with its labels.
func hostName(_ row: HostRow, _ context: PageContext) -> HTML {
    div(.class("host-name")) {
        a(.href(context.to("hosts", row.id)), .data(.select)) { bdi { row.name } }
        if !row.labels.isEmpty {
            span(.class("tags")) { row.labels.prefix(4).map { tag($0.name, $0.value) } }
        }
    }
}

/// A number that is not evidence any more where the host is not judged.
func evidence(_ number: Int?, _ row: HostRow, tone: Tone) -> HTML {
    guard let number else { return span(.class("quiet"), .title(row.unjudged ?? "Not reported")) { "unknown" } }
    if row.unjudged != nil {
        return span(.class("quiet"), .title("As last reported; not judged now")) { "\(grouped(number)) last" }
    }
    guard number > 0 else { return span(.class("quiet")) { "0" } }
    return strong(.class("ink-\(tone.rawValue)")) { grouped(number) }
}

/// Whether a host must be restarted.
func rebootState(_ row: HostRow) -> HTML {
    switch row.reboot {
    case true?: badge(.warning, "Needed", icon: .reboot)
    case false?: span(.class("quiet")) { "No" }
    case nil: badge(.unknown, "Unknown")
    }
}

/// Whether an update is of security.
func updateKind(_ isSecurity: Bool) -> HTML {
    isSecurity ? badge(.critical, "Security") : badge(.neutral, "Other", icon: .up)
}

/// Whether the next upgrade takes an update, and why not.
func updateStatus(_ update: UpdateRow) -> HTML {
    let (tone, text): (Tone, String) =
        switch update.status {
        case "upgradable": (.good, "Installable")
        case "kept-back": (.warning, "Kept back")
        case "held": (.warning, "Held")
        case "phased": (.info, "Phased")
        case "pinned": (.info, "Pinned")
        default: (.unknown, "Unknown")
        }
    return div(.class("with-reason")) {
        badge(tone, text, icon: tone == .good ? .check : nil)
        if !update.reason.isEmpty { span(.class("reason")) { update.reason } }
    }
}

/// A step from one version to another.
func versions(_ installed: String, _ candidate: String) -> HTML {
    span(.class("versions")) {
        code { installed }
        span(.class("arrow")) {
            span(.class("unseen")) { "to" }
            icon(.chevron)
        }
        code { candidate }
    }
}

extension String {
    /// With its first letter as a capital.
    var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}
