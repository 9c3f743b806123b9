public import Timestamps

/// One stretch of time in which a host may change: what remains of its windows' union after the freezes.
public struct WindowOpening: Hashable, Sendable {
    /// When it opens,
    public var start: Timestamp
    /// and when it is shut.
    public var end: Timestamp
    /// The windows' occurrences that it is made of, sorted: a host starts at most one job in each.
    public var occurrences: [MaintenanceWindow.Occurrence.ID]
    /// Whether a part of it lies in a freeze, and holds only with a signed override.
    public var overridesFreeze: Bool

    /// Its length.
    public var seconds: Int64 { end.seconds(since: start) }
}

extension WindowOpening: TimeInterval {}

/// A host's windows and freezes on its clocks: when it may change.
///
/// Windows are united, freezes taken away, and overrides that hold in freezes added where the caller has them signed.
public struct WindowCalendar: Sendable {
    /// The windows, each with its zone.
    public let windows: [(window: MaintenanceWindow, zone: Zone)]
    /// The freezes, each with its zone.
    public let freezes: [(freeze: Freeze, zone: Zone)]

    /// The most occurrences or openings of one question.
    public static let maximumResults = 1000
    /// The most windows, and the most freezes.
    public static let maximumParts = 256
    /// The longest opening: what is always open is cut.
    public static let maximumOpening: Int64 = 31 * 86_400

    /// A calendar.
    ///
    /// - Throws: ``ScheduleError`` where a zone is not known, a name comes twice, or there are too many.
    public init(windows: [MaintenanceWindow], freezes: [Freeze] = [], zones: WindowZones) throws(ScheduleError) {
        guard windows.count <= Self.maximumParts, freezes.count <= Self.maximumParts else {
            throw ScheduleError(
                .badWindow,
                "\(windows.count) windows and \(freezes.count) freezes: a host may have \(Self.maximumParts) each")
        }
        var names: Set<String> = []
        for id in windows.map(\.id) + freezes.map(\.id) where !names.insert(id).inserted {
            throw ScheduleError(.badWindow, "two windows or freezes are called \"\(id)\"; rename one")
        }
        var placed: [(window: MaintenanceWindow, zone: Zone)] = []
        for window in windows {
            placed.append((window, try zones.zone(of: window.clocks, for: "the window \"\(window.id)\"")))
        }
        self.windows = placed
        var frozen: [(freeze: Freeze, zone: Zone)] = []
        for freeze in freezes {
            guard let clocks = freeze.clocks else {
                frozen.append((freeze, .utc))
                continue
            }
            frozen.append((freeze, try zones.zone(of: clocks, for: "the freeze \"\(freeze.id)\"")))
        }
        self.freezes = frozen
    }

    /// The openings of which a part lies in `from` to before `to`, in order, and apart from one another. What is always open
    /// is cut after 31 days.
    ///
    /// - Parameter overridingFreezes: Whether overrides that hold in freezes count: only for who has them signed.
    public func openings(from: Timestamp, to: Timestamp, overridingFreezes: Bool = false) -> [WindowOpening] {
        // What began long before may reach into it.
        pieces(from: from.adding(seconds: -Self.maximumOpening), to: to, overridingFreezes)
            .reduce(into: [WindowOpening]()) { result, piece in
                guard var last = result.last, last.end >= piece.start,
                    max(last.end, piece.end).seconds(since: last.start) <= Self.maximumOpening
                else {
                    var piece = piece
                    if let last = result.last, last.end > piece.start {
                        guard piece.end > last.end else { return }
                        piece.start = last.end
                    }
                    return result.append(piece)
                }
                last.end = max(last.end, piece.end)
                last.overridesFreeze = last.overridesFreeze || piece.overridesFreeze
                last.occurrences = Set(last.occurrences + piece.occurrences).sorted()
                result[result.count - 1] = last
            }
            .filter { $0.end > from && $0.start < to }
    }

    /// The next openings that are not yet over; that of now is the first.
    ///
    /// - Parameters:
    ///   - limit: How many, at most ``maximumResults``.
    ///   - overridingFreezes: As in ``openings(from:to:overridingFreezes:)``.
    public func nextOpenings(after time: Timestamp, limit: Int, overridingFreezes: Bool = false) -> [WindowOpening] {
        Horizon.grow(after: time, limit: limit) { from, to in
            openings(from: from, to: to, overridingFreezes: overridingFreezes)
        }
    }

    /// Whether the host may change at that instant.
    public func isOpen(at time: Timestamp, overridingFreezes: Bool = false) -> Bool {
        pieces(from: time, to: Timestamp(milliseconds: time.milliseconds &+ 1), overridingFreezes)
            .contains { $0.start <= time && time < $0.end }
    }

    /// The freezes in force at that instant.
    public func freezes(at time: Timestamp) -> [Freeze] {
        freezes.filter { part in
            part.freeze.stretches(from: time, to: Timestamp(milliseconds: time.milliseconds &+ 1), in: part.zone)
                .contains { $0.contains(time) }
        }.map(\.freeze)
    }

    /// What remains of each occurrence after the freezes, in the order of the starts.
    private func pieces(from: Timestamp, to: Timestamp, _ overriding: Bool) -> [WindowOpening] {
        var frozen = freezes.flatMap { $0.freeze.stretches(from: from, to: to, in: $0.zone) }
        frozen.sort { $0.lowerBound < $1.lowerBound }
        var result: [WindowOpening] = []
        for part in windows {
            for occurrence in part.window.occurrences(from: from, to: to, in: part.zone) {
                func add(_ start: Timestamp, _ end: Timestamp, overrides: Bool = false) {
                    guard start < end else { return }
                    result.append(
                        WindowOpening(start: start, end: end, occurrences: [occurrence.id], overridesFreeze: overrides))
                }
                var at = occurrence.start
                let mayOverride = overriding && occurrence.overridesFreeze
                for stretch in frozen where stretch.lowerBound < occurrence.end && stretch.upperBound > at {
                    add(at, stretch.lowerBound)
                    let until = min(stretch.upperBound, occurrence.end)
                    if mayOverride { add(max(at, stretch.lowerBound), until, overrides: true) }
                    at = max(at, until)
                }
                add(at, occurrence.end)
            }
        }
        return result.sorted { $0.start != $1.start ? $0.start < $1.start : $0.end < $1.end }
    }
}
