import Access
import Digest
import Timestamps

/// The hosts of one organisation in memory, in the form that lists, counts and search need: one row of numbers a host,
/// names and labels apart. It is caught up with the directory before each use (``FleetIndex``).
struct FleetTable: Sendable {
    private(set) var token: FleetToken
    private(set) var rows: [FleetRow] = []
    private(set) var ids: [String] = []
    private(set) var hostnames: [String] = []
    private(set) var addresses: [[String]] = []
    /// The updates that wait on each host, as places in ``WaitingPatches``.
    private(set) var updates: [[UInt32]] = []
    private(set) var numbers: [String: Int32] = [:]
    private(set) var systems: [String] = []
    private var systemNumbers: [String: Int32] = [:]
    private(set) var labelSets: [[String: String]] = []
    private var labelNumbers: [[String: String]: Int32] = [:]
    private(set) var labelText = NameText()
    private(set) var names = NameText()
    private(set) var order = RankedOrder()
    private var recordChanges: [Int64] = []
    private var summaryChanges: [Int64] = []
    private(set) var pendingSets: [Int64] = []
    private var masks: [Reach: [Bool]] = [:]
    var patches = WaitingPatches()
    var census = InstalledCensus()

    init(run: UInt64) {
        token = FleetToken(run: run, change: 1, presence: 1)
    }

    // MARK: - Following the store

    /// Takes a host as it stands in the directory.
    ///
    /// - Parameter lastSeen: by this server, as far as it is newer than the record.
    mutating func apply(_ host: HostRecord, _ presence: FleetPresence) {
        guard let number = numbers[host.id].map(Int.init) else {
            insert(host, presence)
            return
        }
        // Two changes of one transaction have one stamp: the later of equals holds.
        guard recordChanges[number] <= host.change else { return }
        var row = self.row(host, presence, old: rows[number])
        row.indexes = rows[number].indexes
        // What is read once more as it was is no change: when that happens may depend on other organisations.
        if recordChanges[number] != host.change || row != rows[number] || host.hostname != hostnames[number] {
            token.change += 1
        }
        recordChanges[number] = host.change
        let isMoved = row.labels != rows[number].labels || row.status != rows[number].status
        if isMoved { patches.take(updates[number], rows[number], times: -1, masks) }
        rows[number] = row
        if isMoved { patches.take(updates[number], row, times: 1, masks) }
        census.want(number, set: row.status == FleetRow.active ? host.digests?.set : nil)
        if host.hostname != hostnames[number] {
            hostnames[number] = host.hostname
            order.note(number)
            names.set(number, [host.hostname, host.id] + addresses[number])
        }
    }

    /// Takes what a host's check-ins told.
    mutating func see(_ number: Int, _ presence: FleetPresence) {
        guard presence.lastSeen > rows[number].lastSeen else { return }
        rows[number].lastSeen = presence.lastSeen
        if let offset = presence.clockOffset { rows[number].clockOffset = offset }
        if let scanned = presence.scannedAt { rows[number].scannedAt = max(rows[number].scannedAt, scanned) }
        token.presence += 1
    }

    /// Takes a summary whose pending set is known; false where the host is not.
    mutating func apply(_ summary: HostSummary) -> Bool {
        guard let number = numbers[summary.host].map(Int.init) else { return false }
        guard summary.change >= summaryChanges[number] else { return true }
        let (old, oldAddresses, oldSet) = (rows[number], addresses[number], pendingSets[number])
        let isNew = summaryChanges[number] != summary.change
        defer {
            if isNew || rows[number] != old || addresses[number] != oldAddresses || pendingSets[number] != oldSet {
                token.change += 1
            }
        }
        summaryChanges[number] = summary.change
        rows[number].reboot = summary.reboot.map { $0 ? 1 : 0 } ?? -1
        rows[number].broken = Self.small(summary.broken)
        rows[number].restarts = Self.small(summary.restarts)
        rows[number].indexes = Self.small(summary.indexes)
        rows[number].indexesFetched = summary.indexesFetched?.milliseconds ?? FleetRow.never
        rows[number].indexesValidUntil = summary.indexesValidUntil?.milliseconds ?? .max
        if summary.addresses != addresses[number] {
            addresses[number] = summary.addresses
            names.set(number, [hostnames[number], ids[number]] + summary.addresses)
        }
        if let set = summary.pendingSet, set != pendingSets[number] {
            pendingSets[number] = set
            patches.take(updates[number], rows[number], times: -1, masks)
            updates[number] = patches.places(set: set)
            patches.take(updates[number], rows[number], times: 1, masks)
        }
        return true
    }

    /// Puts hosts and patches that came in the order of their names; before each query.
    mutating func arrange() {
        order.place { left, right in
            let (a, b) = (Int(left), Int(right))
            return hostnames[a] != hostnames[b] ? hostnames[a] < hostnames[b] : ids[a] < ids[b]
        }
        patches.arrange()
    }

    /// Which label sets are within reach, by their number.
    mutating func mask(_ reach: Reach) -> [Bool] {
        var mask = masks[reach] ?? []
        if mask.count < labelSets.count || masks[reach] == nil {
            mask += labelSets[mask.count...].map { reach.includes($0) }
            // Reaches are as many as there are kinds of grants; selectors that people type are not bounded.
            if masks.count >= 64 { masks = masks.filter { patches.isCounted($0.key) } }
            masks[reach] = mask
        }
        return mask
    }

    private mutating func insert(_ host: HostRecord, _ presence: FleetPresence) {
        let number = rows.count
        numbers[host.id] = Int32(number)
        rows.append(row(host, presence, old: nil))
        ids.append(host.id)
        hostnames.append(host.hostname)
        addresses.append([])
        updates.append([])
        recordChanges.append(host.change)
        summaryChanges.append(0)
        pendingSets.append(0)
        order.note(number)
        names.set(number, [host.hostname, host.id])
        census.want(number, set: rows[number].status == FleetRow.active ? host.digests?.set : nil)
        token.change += 1
    }

    private mutating func row(_ host: HostRecord, _ presence: FleetPresence, old: FleetRow?) -> FleetRow {
        var row =
            old
            ?? FleetRow(enrolledAt: 0, interval: 0, scanInterval: 0, status: 0, protocolVersion: 0)
        row.enrolledAt = host.enrolledAt.milliseconds
        row.lastSeen = max(row.lastSeen, host.lastSeen?.milliseconds ?? FleetRow.never, presence.lastSeen)
        row.scannedAt = max(
            row.scannedAt, host.scannedAt?.milliseconds ?? FleetRow.never, presence.scannedAt ?? FleetRow.never)
        row.clockOffset = presence.clockOffset ?? host.clockOffset ?? row.clockOffset
        row.reportedAt = host.reportedAt?.milliseconds ?? FleetRow.never
        row.interval = Self.small(host.interval)
        row.scanInterval = Self.small(host.scanInterval)
        row.security = Self.small(host.securityCount)
        row.pending = Self.small(host.pendingCount)
        row.status = UInt8(HostStatus.allCases.firstIndex(of: host.status) ?? 0)
        row.protocolVersion = UInt8(clamping: host.protocolVersion)
        row.reported = host.digests != nil
        row.system = systemNumber(host.operatingSystem)
        row.labels = labelNumber(host.labels)
        return row
    }

    private mutating func systemNumber(_ name: String) -> Int32 {
        if let number = systemNumbers[name] { return number }
        let number = Int32(systems.count)
        systems.append(name)
        systemNumbers[name] = number
        return number
    }

    private mutating func labelNumber(_ labels: [String: String]) -> Int32 {
        if let number = labelNumbers[labels] { return number }
        let number = Int32(labelSets.count)
        labelSets.append(labels)
        labelNumbers[labels] = number
        labelText.set(Int(number), labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
        for reach in masks.keys { masks[reach]?.append(reach.includes(labels)) }
        return number
    }

    /// A number as rows keep it; -1 for none.
    private static func small(_ value: Int64?) -> Int32 { value.map { Int32(clamping: $0) } ?? -1 }
}

/// What check-ins told of a host: by this server since its start, or by others as far as it was written down.
struct FleetPresence: Sendable {
    var lastSeen = FleetRow.never
    var clockOffset: Int64?
    var scannedAt: Int64?
}

extension FleetPresence {
    init(_ presence: HostDirectory.Presence) {
        self.init(
            lastSeen: presence.lastSeen.milliseconds, clockOffset: presence.clockOffset,
            scannedAt: presence.scannedAt?.milliseconds)
    }
}
