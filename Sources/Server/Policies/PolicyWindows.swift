import Policy
import Rollout
import Schedule
import Store
import Timestamps

extension PlannedWindow {
    /// What stands for a zone where each host's windows are those of the policies.
    static let policies = "policies"

    /// Whether each host changes in its own windows by the policies: then ``start`` is in UTC, and says after when.
    var isOfPolicies: Bool { zone == Self.policies }

    /// After when hosts' own windows count.
    ///
    /// - Throws: ``PlanWindowError``.
    func after() throws -> Timestamp {
        do { return Zone.utc.instant(of: try LocalTime(start)).time } catch {
            throw PlanWindowError(reason: "\(error)")
        }
    }
}

/// Finds hosts' windows by the policies in force, for jobs of one plan.
final class PolicyWindows {
    /// What is found of one host.
    struct Found {
        /// The first openings that hold the job, two at the most.
        var windows: [HostJob.Window] = []
        /// Why there is none; empty where there is one.
        var why = ""
        /// What clocks and freezes do to the first.
        var note = ""
    }

    private let calendars: HostCalendars
    private let needs: WindowNeeds
    private let longest: Int64
    /// Hosts of the same groups and zones have the same windows.
    private var known: [String: Found] = [:]

    /// - Parameter minutes: The most of an opening that a job may use: grants hold for a week.
    init(_ calendars: HostCalendars, _ actions: JobActions, minutes: Int64) {
        self.calendars = calendars
        needs = WindowNeeds(estimate: WindowNeeds.minimumEstimate, actions: actions)
        longest = minutes * 60
    }

    /// A host's windows that hold the job and are not over at `time`.
    func find(_ record: HostRecord, after time: Timestamp) throws -> Found {
        let host = try calendars.windows(of: record)
        let key = "\(host.key) \(time.milliseconds)"
        if let found = known[key] { return found }
        var found = Found()
        if host.windows.isEmpty || host.calendar == nil {
            found.why = host.why
        } else if let calendar = host.calendar {
            let openings = calendar.nextOpenings(after: time, limit: 40)
            for opening in openings where found.windows.count < 2 {
                let end = min(opening.end, opening.start.adding(seconds: longest))
                let last = end.adding(seconds: -needs.total)
                guard last >= max(opening.start, time) else { continue }
                if found.windows.isEmpty { found.note = calendars.notes(opening, calendar).joined(separator: " ") }
                found.windows.append(
                    HostJob.Window(notBefore: opening.start, lastSafeStart: last, notAfter: end))
            }
            if found.windows.isEmpty {
                found.why =
                    openings.isEmpty
                    ? "None of its windows (\(host.windows.joined(separator: ", "))) opens any more; correct their rules."
                    : WindowFit(needs, in: openings, now: time).sentence(needs)
            }
        }
        known[key] = found
        return found
    }
}

/// Whether a host may begin now by the policies in force: asked again whenever one wants to, for policies change.
struct WindowVerdict {
    /// Why it may not; nil where it may.
    var reason: String?
    /// Until when it may begin,
    var lastSafeStart: Timestamp
    /// and until when it may do more than finish.
    var notAfter: Timestamp

    /// - Parameters:
    ///   - job: What was offered; its times are only ever cut.
    ///   - calendars: Of the policies in force.
    init(
        _ job: JobRecord, _ plan: PlannedWindow, _ actions: JobActions, _ record: HostRecord,
        _ calendars: HostCalendars, now: Timestamp
    ) throws {
        (lastSafeStart, notAfter) = (job.lastSafeStart, job.notAfter)
        if calendars.policies.number == 0 {
            if plan.isOfPolicies {
                reason = "There are no policies any more, and the plan takes each host's windows from them."
            }
            return
        }
        let host = try plan.isOfPolicies ? calendars.windows(of: record) : calendars.freezes(of: record)
        guard let calendar = host.calendar else {
            reason = "Whether it may change now is not known. \(host.why)"
            return
        }
        if let freeze = calendar.freezes(at: now).first {
            reason = "Frozen by the policy \(freeze.id): \(freeze.reason)."
            return
        }
        var end = notAfter
        for part in calendar.freezes {
            for stretch in part.freeze.stretches(from: now, to: notAfter, in: part.zone) where stretch.lowerBound > now
            {
                end = min(end, stretch.lowerBound)
            }
        }
        if plan.isOfPolicies {
            let moment = Timestamp(milliseconds: now.milliseconds + 1)
            guard
                let opening = calendar.openings(from: now, to: moment).first(where: {
                    $0.start <= now && now < $0.end
                })
            else {
                reason = "By the policies in force now no window of the host is open. \(host.why)"
                return
            }
            end = min(end, opening.end)
        }
        guard end < notAfter else { return }
        let needs = WindowNeeds(estimate: WindowNeeds.minimumEstimate, actions: actions)
        notAfter = end
        lastSafeStart = min(lastSafeStart, end.adding(seconds: -needs.total))
        if now > lastSafeStart {
            reason = "The window closes at \(end), and the job needs \(needs.sentence)."
        }
    }
}
