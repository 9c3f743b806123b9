public import Feeds

/// Reads MITRE's catalogue of weaknesses (cwec_v4.xml): one record a weakness or category.
public struct WeaknessReader: XMLReading {
    /// What has been read so far.
    public internal(set) var tally: FeedTally

    /// A reader.
    public init(source: String = "cwe") { tally = FeedTally(source: source) }

    /// Reads one document.
    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        try document(bytes, place: place, store)
    }

    static let root = "Weakness_Catalog"

    mutating func records(
        _ scanner: XMLScanner, _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        while let name = try scanner.next() {
            guard name == "Weakness" || name == "Category" else {
                if scanner.depth == 2 { tally.drop(name) }
                continue
            }
            let line = scanner.line
            let element = try scanner.element()
            guard let number = element["ID"].flatMap({ Int($0) }), number > 0, let title = element["Name"],
                !title.isEmpty
            else {
                tally.quarantine(
                    place: "\(place):\(line)", record: element["ID"] ?? "",
                    reason: "<\(name)> has no number or name")
                continue
            }
            var weakness = Weakness(id: "CWE-\(number)", name: title)
            for related in element.descendants("Related_Weakness") where related["Nature"] == "ChildOf" {
                guard let parent = related["CWE_ID"].flatMap({ Int($0) }) else { continue }
                let id = "CWE-\(parent)"
                if !weakness.parents.contains(id) { weakness.parents.append(id) }
            }
            tally.store()
            try store(.weakness(weakness))
        }
    }
}
