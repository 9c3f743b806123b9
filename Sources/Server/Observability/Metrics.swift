import Synchronization

/// The server's counters and histograms, written in Prometheus' text format 0.0.4.
///
/// One lock and a few additions a request. Gauges are read when they are asked for.
public final class Metrics: Sendable {
    /// What is counted; the names are the contract with dashboards and alerts.
    public enum Counter: String, CaseIterable, Sendable {
        /// Requests by listener, route and status.
        case requests = "fettle_requests_total"
        /// Requests refused, by kind of problem.
        case refusals = "fettle_refusals_total"
        /// Check-ins answered.
        case checkIns = "fettle_checkins_total"
        /// Reports received, by result.
        case reports = "fettle_reports_total"
        /// Documents uploaded, by document and result.
        case uploads = "fettle_uploads_total"
        /// Enrolments, renewals and returns, by kind and result.
        case identities = "fettle_identities_total"
        /// TLS handshakes refused for the client's certificate.
        case handshakesRefused = "fettle_handshakes_refused_total"
        /// Claims and confirmations of jobs, by answer.
        case jobQuestions = "fettle_job_questions_total"
        /// Records of jobs' journals received.
        case jobEntries = "fettle_job_entries_total"
        /// Claims on changelogs.
        case changelogs = "fettle_changelog_claims_total"
        /// Hosts put into quarantine.
        case quarantines = "fettle_quarantines_total"

        var help: String {
            switch self {
            case .requests: "Requests by listener, route and status."
            case .refusals: "Requests refused, by kind of problem."
            case .checkIns: "Check-ins answered, by protocol version."
            case .reports: "Reports received, by result."
            case .uploads: "Documents uploaded, by document and result."
            case .identities: "Certificates asked for, by occasion and result."
            case .handshakesRefused: "TLS handshakes refused for the client certificate."
            case .jobQuestions: "Claims and confirmations of jobs, by question and result."
            case .jobEntries: "Records of jobs' journals received."
            case .changelogs: "Changelogs that hosts say they have read, by result."
            case .quarantines: "Hosts put into quarantine, by cause."
            }
        }
    }

    /// What is measured.
    public enum Histogram: String, CaseIterable, Sendable {
        /// Seconds from a request's head to its answer, by route.
        case requestSeconds = "fettle_request_duration_seconds"
        /// Writes that one database transaction carried.
        case groupCommit = "fettle_group_commit_writes"

        var help: String {
            switch self {
            case .requestSeconds: "Seconds from the head of a request to its answer, by route."
            case .groupCommit: "Writes that one database transaction carried."
            }
        }

        var bounds: [Double] {
            switch self {
            case .requestSeconds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
            case .groupCommit: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
            }
        }
    }

    /// A value read at the moment of asking.
    public struct Gauge: Sendable {
        let name: String
        let help: String
        let values: [(labels: String, value: Double)]

        /// A gauge with one value, or one per label text (`state="active"`).
        public init(_ name: String, help: String, _ values: [(labels: String, value: Double)]) {
            self.name = name
            self.help = help
            self.values = values
        }
    }

    private struct Key: Hashable {
        let name: String
        let labels: String
    }

    fileprivate struct Buckets {
        var counts: [UInt64]
        var sum = 0.0
        var count: UInt64 = 0
    }

    private struct State {
        var counters: [Key: UInt64] = [:]
        var histograms: [Key: Buckets] = [:]
    }

    private let state = Mutex(State())

    /// Empty metrics.
    public init() {}

    /// Counts; `labels` is `name="value",...` with values that need no escaping.
    public func count(_ counter: Counter, _ labels: String = "", by amount: UInt64 = 1) {
        state.withLock { $0.counters[Key(name: counter.rawValue, labels: labels), default: 0] += amount }
    }

    /// Measures.
    public func observe(_ histogram: Histogram, _ labels: String = "", _ value: Double) {
        let bounds = histogram.bounds
        let at = bounds.firstIndex { value <= $0 }
        state.withLock { state in
            state.histograms[
                Key(name: histogram.rawValue, labels: labels),
                default: Buckets(counts: Array(repeating: 0, count: bounds.count))
            ].add(value, at: at)
        }
    }

    /// How often that was counted, with those labels.
    public func value(_ counter: Counter, _ labels: String = "") -> UInt64 {
        state.withLock { $0.counters[Key(name: counter.rawValue, labels: labels)] ?? 0 }
    }

    /// Everything, in the text format: one HELP and TYPE a family, families in a fixed order.
    public func text(_ gauges: [Gauge]) -> String {
        let state = state.withLock { $0 }
        var text = ""
        func head(_ name: String, _ help: String, _ type: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }
        func line(_ name: String, _ labels: String, _ value: String) {
            text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
        }
        for counter in Counter.allCases {
            let values = state.counters.filter { $0.key.name == counter.rawValue }
            guard !values.isEmpty else { continue }
            head(counter.rawValue, counter.help, "counter")
            for (key, value) in values.sorted(by: { $0.key.labels < $1.key.labels }) {
                line(key.name, key.labels, String(value))
            }
        }
        for histogram in Histogram.allCases {
            let values = state.histograms.filter { $0.key.name == histogram.rawValue }
            guard !values.isEmpty else { continue }
            head(histogram.rawValue, histogram.help, "histogram")
            for (key, buckets) in values.sorted(by: { $0.key.labels < $1.key.labels }) {
                let prefix = key.labels.isEmpty ? "" : key.labels + ","
                var total: UInt64 = 0
                for (bound, count) in zip(histogram.bounds, buckets.counts) {
                    total += count
                    line("\(key.name)_bucket", "\(prefix)le=\"\(number(bound))\"", String(total))
                }
                line("\(key.name)_bucket", "\(prefix)le=\"+Inf\"", String(buckets.count))
                line("\(key.name)_sum", key.labels, number(buckets.sum))
                line("\(key.name)_count", key.labels, String(buckets.count))
            }
        }
        for gauge in gauges where !gauge.values.isEmpty {
            head(gauge.name, gauge.help, gauge.name.hasSuffix("_total") ? "counter" : "gauge")
            for (labels, value) in gauge.values { line(gauge.name, labels, number(value)) }
        }
        return text
    }
}

extension Metrics.Buckets {
    fileprivate mutating func add(_ value: Double, at index: Int?) {
        if let index { counts[index] += 1 }
        sum += value
        count += 1
    }
}

/// A number as Prometheus reads it: whole ones without a fraction.
private func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
}
