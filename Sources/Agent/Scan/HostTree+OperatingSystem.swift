public import Inventory

extension HostTree {
    /// os-release(5): /etc/os-release, else /usr/lib/os-release.
    public func operatingSystem() -> Fact<OperatingSystem> {
        let text: String
        do {
            text = try self.text("/etc/os-release", limit: 65_536)
        } catch {
            // In a foreign root the link may be absolute and lead out of it, or nowhere.
            guard let fallback = try? self.text("/usr/lib/os-release", limit: 65_536) else {
                return .unknown(error.description)
            }
            text = fallback
        }
        let fields = Self.assignments(text)
        guard let id = fields["ID"], !id.isEmpty else {
            return .unknown("\(path("/etc/os-release")) names no ID")
        }
        return .known(
            OperatingSystem(
                id: String(id.prefix(64)), versionID: String((fields["VERSION_ID"] ?? "").prefix(64)),
                codename: String((fields["VERSION_CODENAME"] ?? "").prefix(64)),
                name: String((fields["PRETTY_NAME"] ?? fields["NAME"] ?? id).prefix(256))))
    }

    /// The assignments of a file in the shell's manner, as os-release(5) restricts it: quotes and backslashes, no expansion.
    package static func assignments(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let line = trimmed(line)
            guard !line.hasPrefix("#"), let equals = line.firstIndex(of: "=") else { continue }
            fields[String(line[..<equals])] = unquoted(line[line.index(after: equals)...])
        }
        return fields
    }

    private static func unquoted(_ text: Substring) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'", text.count >= 2, text.last == quote else {
            return String(text)
        }
        let inner = text.dropFirst().dropLast()
        if quote == "'" { return String(inner) }
        var result = ""
        var escaped = false
        for character in inner {
            if !escaped, character == "\\" {
                escaped = true
            } else {
                result.append(character)
                escaped = false
            }
        }
        return result
    }

    /// The kernel's random id of this boot.
    public func bootID() -> Fact<String> { procFact("sys/kernel/random/boot_id") }

    /// The name that the kernel bears.
    public func hostname() -> Fact<String> { procFact("sys/kernel/hostname") }

    private func procFact(_ path: String) -> Fact<String> {
        do {
            let text = trimmed(try procText(path, limit: 4096))
            return text.isEmpty ? .unknown("\(proc)/\(path) is empty") : .known(String(text.prefix(255)))
        } catch {
            return .unknown(error.description)
        }
    }
}
