import JSON

extension JobEntry {
    /// The most records of one job's journal: the agent writes no more, and the server takes no more.
    public static let maximumCount: Int64 = 10_000
    /// The bytes of canonical JSON that a record's detail is kept below: half of what a journal and the server take.
    public static let keptDetailBytes = 128 << 10
    /// The most bytes of UTF-8 of a record's text; the reader takes 4096.
    public static let keptTextBytes = 2000

    /// The beginning of a text, of at most that many bytes of UTF-8, whole characters only.
    static func kept(_ text: String, bytes: Int = keptTextBytes) -> String { text.kept(bytes: bytes) }

    /// A detail that a record may hold: where it is too large, its lists are shortened from their ends, and the object
    /// that holds such a list says under `omitted` how many members are missing; where that is not enough, its texts too.
    static func kept(_ detail: [String: JSONValue]) -> [String: JSONValue] {
        var kept = detail
        var members = 2048
        var bytes = Int.max
        while JSONValue.object(kept).canonicalBytes().count > keptDetailBytes {
            if members > 0 {
                members /= 2
            } else if bytes > 0 {
                bytes = bytes == .max ? 4096 : bytes / 4
            } else {
                // Only an object of very many keys is left: the facts that machines read stand at the top.
                return detail.filter { if case .object = $0.value { false } else { true } }
                    .mapValues { cut($0, members: 0, bytes: 1024) }.merging(["omitted": 1]) { $1 }
            }
            guard case .object(let shorter) = cut(.object(detail), members: members, bytes: bytes) else { return kept }
            kept = shorter
        }
        return kept
    }

    private static func cut(_ value: JSONValue, members: Int, bytes: Int) -> JSONValue {
        switch value {
        case .string(let text): return bytes == .max ? value : .string(kept(text, bytes: max(64, bytes)))
        case .array(let list): return .array(list.prefix(members).map { cut($0, members: members, bytes: bytes) })
        case .object(let fields):
            var result: [String: JSONValue] = [:]
            var omitted = 0
            for (key, field) in fields {
                if case .array(let list) = field { omitted += max(0, list.count - members) }
                result[key] = cut(field, members: members, bytes: bytes)
            }
            if omitted > 0 { result["omitted"] = .integer(Int64(omitted)) }
            return .object(result)
        default: return value
        }
    }

    /// A list of packages with those first that are not as before: a list that is too long is shortened from its end.
    static func changedFirst(_ packages: JSONValue) -> JSONValue {
        guard case .array(let list) = packages else { return packages }
        func isUnchanged(_ package: JSONValue) -> Bool { package["result"]?.string == "unchanged" }
        return .array(list.filter { !isUnchanged($0) } + list.filter(isUnchanged))
    }
}
