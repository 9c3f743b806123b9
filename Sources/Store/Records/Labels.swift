import JSON

/// Labels as they are stored: canonical JSON, so that equal labels are equal text.
enum Labels {
    static func text(_ labels: [String: String]) -> String {
        String(decoding: JSONValue.object(labels.mapValues { .string($0) }).canonicalBytes(), as: UTF8.self)
    }

    static func parse(_ text: String) throws(StoreError) -> [String: String] {
        guard let value = try? JSONValue(parsing: Array(text.utf8), limits: .message), let object = value.object else {
            throw StoreError(.corrupt, "stored labels are not JSON", cure: "restore the database from a backup")
        }
        return object.compactMapValues(\.string)
    }
}
