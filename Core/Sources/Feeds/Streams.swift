/// How a statement's stream is named, from what feeds write.
enum Streams {
    /// The stream and channel of an OSV ecosystem: Red Hat's repositories of one release are one stream.
    static func osv(_ ecosystem: String) -> (stream: String, channel: String) {
        guard ecosystem.hasPrefix("Red Hat:") else { return (ecosystem, "") }
        return redHat(ecosystem.dropFirst("Red Hat:".count))
    }

    /// `enterprise_linux:9::baseos` is `Red Hat:enterprise_linux:9`; a repository beyond the two that every host has is the
    /// channel. Of other products what follows the version stays: `openshift:4.12::el8`.
    static func redHat(_ product: some StringProtocol) -> (stream: String, channel: String) {
        let parts = product.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, name == "enterprise_linux" || name.hasPrefix("rhel_") else {
            return ("Red Hat:\(product)", "")
        }
        var stream = "Red Hat:\(name)"
        if parts.count > 1, !parts[1].isEmpty { stream += ":\(parts[1])" }
        let variant = parts.count > 3 ? String(parts[3]) : ""
        return (stream, ["baseos", "appstream", "crb", "server", "client", "workstation"].contains(variant) ? "" : variant)
    }
}
