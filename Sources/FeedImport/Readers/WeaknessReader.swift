public import Feeds

/// Reads MITRE's catalogue of weaknesses (cwec_v4.xml): one record a weakness or category.
public struct WeaknessReader: FeedReader {
    /// What has been read so far.
    public private(set) var tally: FeedTally

    /// A reader.
    public init(source: String = "cwe") { tally = FeedTally(source: source) }

    public mutating func read(
        _ bytes: UnsafeRawBufferPointer, place: String, _ store: (FeedRecord) throws -> Void
    ) throws {
        do {
            let scanner = try XMLScanner(bytes)
            guard try scanner.next() == "Weakness_Catalog" else {
                return tally.quarantine(place: place, reason: "its root is not <Weakness_Catalog>")
            }
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
        } catch let fault as XMLFault {
            tally.quarantine(place: place, reason: fault.description)
        }
    }
}
