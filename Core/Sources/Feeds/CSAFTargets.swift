/// What the products of a CSAF document are in terms of statements.
struct CSAFTargets {
    /// A package, or a CPE, that a product id stands for.
    struct Target: Hashable {
        var stream: String
        var channel = ""
        var kind: Statement.Kind
        var name: String
        var module = ""
        var architecture = ""
        /// The order of its versions; empty where none is known.
        var scheme: String
        /// The version that the product is; empty where it is all of them.
        var version = ""
        /// The range of versions that the product is, as written.
        var range = ""

        /// What differs from one product to the next is enough to find it by; equality looks at all.
        func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(version)
            hasher.combine(stream)
        }
    }

    private let document: CSAFDocument
    private var known: [String: Target?] = [:]
    /// CPE names by the branch that they stand under, for leaves that have none of their own.
    private let siblings: [String: String]

    init(_ document: CSAFDocument) {
        self.document = document
        var siblings: [String: String] = [:]
        for product in document.products.values where !product.cpe.isEmpty && !product.parent.isEmpty {
            // The least, so that the order of a dictionary makes no difference.
            siblings[product.parent] = min(siblings[product.parent] ?? product.cpe, product.cpe)
        }
        self.siblings = siblings
    }

    /// What a product id stands for; nil where no package and no CPE tells.
    mutating func target(_ id: String) -> Target? {
        if let target = known[id] { return target }
        let target = document.relationships[id].map { related($0) } ?? document.products[id].flatMap { alone($0) }
        known[id] = .some(target)
        return target
    }

    /// A component of a platform. A module stands between a platform and its packages.
    private func related(_ relationship: CSAFDocument.Relationship) -> Target? {
        var module = ""
        var platform = relationship.platform
        for _ in 0..<4 {
            guard let above = document.relationships[platform] else { break }
            if let purl = FeedPackageURL(document.products[above.component]?.purl ?? ""), purl.type == "rpmmod" {
                module = purl.module
            } else if module.isEmpty {
                module = above.component.split(separator: ":").prefix(2).joined(separator: ":")
            }
            platform = above.platform
        }
        guard let place = document.products[platform].flatMap({ Streams.platform($0.cpe) }) else { return nil }
        let component = document.products[relationship.component]
        let purlText = component?.purl ?? relationship.product.purl
        if !purlText.isEmpty {
            // Modules, images, jars of a product: no package of the distribution.
            guard let purl = FeedPackageURL(purlText), purl.type == "rpm", let kind = purl.distributionKind else {
                return nil
            }
            var target = Target(
                stream: place.stream, channel: place.channel, kind: kind, name: purl.name, module: module,
                scheme: "rpm",
                version: purl.fullVersion)
            if module.isEmpty { target.module = purl.module }
            target.architecture = kind == .source ? "" : purl.qualifiers["arch"] ?? ""
            return target
        }
        let name = component?.name ?? relationship.component
        return Self.written(relationship.component.isEmpty ? name : relationship.component, place, module)
    }

    /// A component without a package URL: `openssl-1:3.0.7-27.el9.x86_64`, `virt:rhel/libtpms`, or a source package's name.
    private static func written(
        _ text: String, _ place: (stream: String, channel: String), _ module: String
    ) -> Target? {
        var module = module
        var text = Substring(text)
        if let slash = text.firstIndex(of: "/") {
            let before = text[..<slash]
            // Images are `openshift4/ose-cli`.
            guard before.contains(":") else { return nil }
            module = String(before)
            text = text[text.index(after: slash)...]
        }
        var target = Target(
            stream: place.stream, channel: place.channel, kind: .source, name: String(text), module: module,
            scheme: "rpm")
        let architectures = [
            "x86_64", "aarch64", "ppc64le", "ppc64", "ppc", "s390x", "s390", "i386", "i486", "i586", "i686", "ia64",
            "noarch", "src", "armv7hl", "riscv64",
        ]
        if let dot = text.lastIndex(of: "."), architectures.contains(String(text[text.index(after: dot)...])) {
            let architecture = String(text[text.index(after: dot)...])
            let parts = text[..<dot].split(separator: "-", omittingEmptySubsequences: false)
            target.kind = architecture == "src" ? .source : .binary
            target.architecture = architecture == "src" ? "" : architecture
            guard parts.count >= 3 else {
                target.name = String(text[..<dot])
                return target
            }
            target.name = parts.dropLast(2).joined(separator: "-")
            let version = parts.suffix(2).joined(separator: "-")
            target.version = version.hasPrefix("0:") ? String(version.dropFirst(2)) : version
        }
        return target.name.contains(":") ? nil : target
    }

    /// A product that stands for itself.
    private func alone(_ product: CSAFDocument.Product) -> Target? {
        if let purl = FeedPackageURL(product.purl) {
            if let stream = purl.language {
                return Target(
                    stream: stream, kind: .language, name: purl.fullName, scheme: purl.scheme ?? "",
                    version: purl.version.isEmpty ? product.version : purl.version, range: product.range)
            }
            guard let kind = purl.distributionKind, let place = purl.distribution, let scheme = purl.scheme else {
                return nil
            }
            return Target(
                stream: place.stream, channel: place.channel, kind: kind, name: purl.name, module: purl.module,
                architecture: kind == .source ? "" : purl.qualifiers["arch"] ?? "", scheme: scheme,
                version: purl.fullVersion)
        }
        let isOwn = !product.cpe.isEmpty
        guard let cpe = CPEName(isOwn ? product.cpe : siblings[product.parent] ?? "") ?? microsoft(product) else {
            return nil
        }
        var target = Target(stream: "CPE", kind: .cpe, name: cpe.name, scheme: cpe.scheme)
        target.range = product.range
        if product.range.isEmpty {
            let version = isOwn && cpe.version != "*" && cpe.version != "-" ? cpe.version : product.version
            target.version = version
        }
        return target
    }

    /// Microsoft's products have names alone in some of its documents.
    private func microsoft(_ product: CSAFDocument.Product) -> CPEName? {
        guard document.publisher.hasPrefix("Microsoft") else { return nil }
        let branch = product.parent.split(separator: "\u{1F}").last.map(String.init) ?? ""
        return MicrosoftProduct.name(branch) ?? MicrosoftProduct.name(product.name)
    }
}
