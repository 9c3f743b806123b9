import CLinux
import Glibc
public import Inventory

extension HostTree {
    /// Main memory: /proc/meminfo.
    public func memory(previous: MemoryFacts? = nil) -> Fact<MemoryFacts> {
        let text: String
        do {
            text = try procText("meminfo")
        } catch {
            return .unknown(error.description)
        }
        guard let total = Self.kibibytes("MemTotal", in: text), let available = Self.kibibytes("MemAvailable", in: text)
        else { return .unknown("\(proc)/meminfo has no MemTotal or MemAvailable") }
        let steps = Steps(total: total, parts: 8, floor: 1 << 20)
        let old = previous.flatMap { $0.totalBytes == total ? $0.availableBytes : nil }
        return .known(MemoryFacts(totalBytes: total, availableBytes: steps.step(available, previous: old)))
    }

    /// A field of /proc/meminfo, in bytes.
    private static func kibibytes(_ name: String, in text: String) -> Int64? {
        for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
            let words = line.dropFirst(name.count + 1).split(separator: " ")
            guard let value = words.first.flatMap({ Int64($0) }), value >= 0, value < 1 << 50 else { return nil }
            return value * 1024
        }
        return nil
    }

    /// The processors: /proc/cpuinfo.
    public func processors() -> Fact<ProcessorFacts> {
        let text: String
        do {
            text = try procText("cpuinfo", limit: 64 << 20)
        } catch {
            return .unknown(error.description)
        }
        let fields = Self.cpuFields(text)
        let count = fields.count { $0.name == "processor" }
        guard count > 0 else { return .unknown("\(proc)/cpuinfo lists no processor") }
        // x86, then the names that other architectures give it.
        let model = ["model name", "Model", "cpu model", "Hardware", "cpu"].lazy.compactMap { name in
            fields.first { $0.name == name }?.value
        }.first
        return .known(ProcessorFacts(count: Int64(count), model: String((model ?? "").prefix(255))))
    }

    /// The lines `name : value` of /proc/cpuinfo.
    static func cpuFields(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "\n").compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (trimmed(line[..<colon]), trimmed(line[line.index(after: colon)...]))
        }
    }

    /// Whether the clock is kept synchronised: adjtimex(2), which only looks here.
    public func clock() -> Fact<ClockFacts> {
        guard isMachine else { return .unknown("a tree of files has no clock") }
        var state = timex()
        let result = adjtimex(&state)
        guard result >= 0 else { return .unknown("adjtimex: \(HostTreeError.text(of: errno))") }
        // 5 is TIME_ERROR; the bound grows between two looks at the source, so only its order of magnitude stands still.
        let synchronised = result != 5 && state.status & STA_UNSYNC == 0
        let milliseconds = state.maxerror / 1000
        let bound: Int = [2000, 4000, 8000].first { milliseconds <= $0 } ?? 16_000
        return .known(
            ClockFacts(synchronised: synchronised, maximumErrorMilliseconds: synchronised ? Int64(bound) : nil))
    }

    /// The zone's IANA name: where /etc/localtime leads, else /etc/timezone.
    public func timeZone() -> Fact<String> {
        let link = path("/etc/localtime")
        do {
            let target = try Self.target(of: link)
            guard let range = Self.range(of: "zoneinfo/", in: target) else {
                return .unknown("\(link) leads to \(target.prefix(200)), which is no zone of the zone database")
            }
            var name = target[range.upperBound...]
            for variant in ["posix/", "right/"] where name.hasPrefix(variant) { name = name.dropFirst(variant.count) }
            return .known(String(name.prefix(255)))
        } catch {
            if let text = try? text("/etc/timezone", limit: 4096), let first = text.split(separator: "\n").first {
                let name = trimmed(first)
                if !name.isEmpty { return .known(String(name.prefix(255))) }
            }
            // Without a zone the C library takes UTC: localtime(5).
            return error.isAbsence ? .known("UTC") : .unknown("\(error) and /etc/timezone names none")
        }
    }

    private static func range(of needle: String, in text: String) -> Range<String.Index>? {
        var start = text.startIndex
        while start < text.endIndex {
            if text[start...].hasPrefix(needle) { return start..<text.index(start, offsetBy: needle.count) }
            start = text.index(after: start)
        }
        return nil
    }
}
