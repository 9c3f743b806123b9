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
        return (
            stream, ["baseos", "appstream", "crb", "server", "client", "workstation"].contains(variant) ? "" : variant
        )
    }
}

extension Streams {
    /// The stream and channel of a platform that a vendor's VEX document names by its CPE.
    static func platform(_ cpe: String) -> (stream: String, channel: String)? {
        if cpe.hasPrefix("cpe:/"), let product = vendorPart(cpe, "redhat") { return redHat(product) }
        guard let name = CPEName(cpe) else { return nil }
        switch name.vendor {
        case "redhat":
            return redHat("\(name.product)\(name.version == "*" ? "" : ":" + name.version)")
        case "suse", "opensuse", "novell": return suse(name)
        default:
            return ("\(name.vendor):\(name.product)\(name.version == "*" ? "" : ":" + name.version)", "")
        }
    }

    /// What follows the vendor in `cpe:/o:redhat:enterprise_linux:9::baseos`.
    private static func vendorPart(_ cpe: String, _ vendor: String) -> Substring? {
        let parts = cpe.dropFirst(5).split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count == 3 && parts[1] == vendor ? parts[2] : nil
    }

    /// `cpe:/o:suse:sles:15:sp5` is `SUSE:15.5`; long support and modules are its channels.
    private static func suse(_ name: CPEName) -> (stream: String, channel: String) {
        if name.vendor == "opensuse" || name.product == "leap" || name.product == "tumbleweed" {
            if name.product == "leap" { return ("openSUSE:Leap \(name.version)", "") }
            return ("openSUSE:" + (name.product == "tumbleweed" ? "Tumbleweed" : name.product), "")
        }
        // 15-sp5, as the name joins version and update.
        let version = name.version.lowercased()
        let parts = version.split(separator: "-", maxSplits: 1).map(String.init)
        var release = parts.first ?? version
        if parts.count == 2, parts[1].hasPrefix("sp") { release += "." + parts[1].dropFirst(2) }
        let product = name.product
        if ["sles", "sled", "suse_linux_enterprise_server", "suse_linux_enterprise_desktop", "sle_hpc"].contains(
            product)
        {
            return ("SUSE:\(release)", "")
        }
        if product.hasPrefix("sle") || product.hasPrefix("suse_linux_enterprise") {
            return ("SUSE:\(release)", product)
        }
        return ("SUSE:\(product):\(release)", "")
    }
}
