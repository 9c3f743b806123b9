import PackageURLs

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
        /// A number that those of a document have in common which differ in their architecture alone; nil where nobody gave
        /// them one.
        var group: Int?

        /// What differs from one product to the next is enough to find it by; equality looks at all.
        func hash(into hasher: inout Hasher) {
            hasher.combine(name)
            hasher.combine(version)
            hasher.combine(stream)
        }
    }

    private let document: CSAFDocument
    private var known = CSAFTable<Target?>()
    /// Numbers of targets without their architecture.
    private var groups: [Target: Int] = [:]
    private var places = CSAFTable<(stream: String, channel: String)?>()
    private var urls = CSAFTable<PackageURL?>()
    private var hosts = CSAFTable<(place: (stream: String, channel: String), module: String)?>()
    /// What ``Branch``es without versions are called, from the outermost on.
    private var paths: [Int32: String] = [:]
    /// CPE names by the branch that they stand under, for leaves that have none of their own.
    private var siblings: [String: String] = [:]

    init(_ document: CSAFDocument) {
        self.document = document
        for product in document.products.all where !product.cpe.isEmpty && product.branch >= 0 {
            let parent = branch(of: product).parent
            guard !parent.isEmpty else { continue }
            // The least, so that the order of the document makes no difference.
            siblings[parent] = min(siblings[parent] ?? product.cpe, product.cpe)
        }
    }

    /// What a product id stands for; nil where no package and no CPE tells.
    mutating func target(_ id: Int32) -> Target? {
        if let target = known[id] { return target }
        var target: Target? =
            if let relationship = document.relationships[id] {
                related(relationship)
            } else {
                document.products[id].flatMap { alone($0) }
            }
        if var group = target {
            group.architecture = ""
            if let number = groups[group] {
                target?.group = number
            } else {
                target?.group = groups.count
                groups[group] = groups.count
            }
        }
        known[id] = .some(target)
        return target
    }

    /// The version, or range of versions, that the branches above a product name, and the path of all others.
    private mutating func branch(
        of product: CSAFDocument.Product
    ) -> (version: String, range: String, parent: String) {
        var (version, range) = ("", "")
        var parent: Int32 = -1
        var here = product.branch
        while here >= 0 {
            let branch = document.branches[Int(here)]
            switch branch.category {
            case "product_version": if version.isEmpty { version = branch.name }
            case "product_version_range": if range.isEmpty { range = branch.name }
            default: if parent < 0 { parent = here }
            }
            here = branch.above
        }
        return (version, range, parent < 0 ? "" : path(parent))
    }

    /// The names of a branch and those above it that are no versions.
    private mutating func path(_ number: Int32) -> String {
        if let path = paths[number] { return path }
        var names: [String] = []
        var here = number
        while here >= 0 {
            let branch = document.branches[Int(here)]
            if branch.category != "product_version", branch.category != "product_version_range" {
                names.append(branch.name)
            }
            here = branch.above
        }
        let path = names.reversed().joined(separator: "\u{1F}")
        paths[number] = path
        return path
    }

    /// The stream that a platform's CPE names.
    private mutating func place(_ platform: Int32) -> (stream: String, channel: String)? {
        if let place = places[platform] { return place }
        let place = document.products[platform].flatMap { Streams.platform($0.cpe) }
        places[platform] = .some(place)
        return place
    }

    /// A component's package URL, which is read once for all its platforms; nil where it has none that is one.
    private mutating func url(_ component: Int32) -> PackageURL? {
        if let url = urls[component] { return url }
        let url = document.products[component].flatMap { PackageURL($0.purl) }
        urls[component] = .some(url)
        return url
    }

    /// The place and the module that packages of a platform, or of a module of one, are in; worked out once for all of them.
    private mutating func host(_ number: Int32) -> (place: (stream: String, channel: String), module: String)? {
        if let host = hosts[number] { return host }
        var module = ""
        var platform = number
        for _ in 0..<4 {
            guard let above = document.relationships[platform] else { break }
            if let purl = url(above.component), purl.type == "rpmmod" {
                module = purl.module
            } else if module.isEmpty {
                module = document.id(above.component).split(separator: ":").prefix(2).joined(separator: ":")
            }
            platform = above.platform
        }
        let host = place(platform).map { (place: $0, module: module) }
        hosts[number] = .some(host)
        return host
    }

    /// A component of a platform. A module stands between a platform and its packages.
    private mutating func related(_ relationship: CSAFDocument.Relationship) -> Target? {
        guard let (place, module) = host(relationship.platform) else { return nil }
        let component = document.products[relationship.component]
        if !(component?.purl ?? relationship.product.purl).isEmpty {
            // Modules, images, jars of a product: no package of the distribution.
            let url = component == nil ? PackageURL(relationship.product.purl) : url(relationship.component)
            guard let url, url.type == "rpm", let kind = url.distributionKind else { return nil }
            var target = Target(
                stream: place.stream, channel: place.channel, kind: kind, name: url.name, module: module,
                scheme: "rpm", version: url.fullVersion)
            if module.isEmpty { target.module = url.module }
            target.architecture = kind == .source ? "" : url.qualifiers["arch"] ?? ""
            return target
        }
        let id = document.id(relationship.component)
        return Self.written(id.isEmpty ? component?.name ?? "" : id, place, module)
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
    private mutating func alone(_ product: CSAFDocument.Product) -> Target? {
        let branch = branch(of: product)
        if let purl = PackageURL(product.purl) {
            if let stream = purl.language {
                return Target(
                    stream: stream, kind: .language, name: purl.fullName, scheme: purl.scheme ?? "",
                    version: purl.version.isEmpty ? branch.version : purl.version, range: branch.range)
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
        guard
            let cpe = CPEName(isOwn ? product.cpe : siblings[branch.parent] ?? "") ?? microsoft(product, branch.parent)
        else {
            return nil
        }
        var target = Target(stream: "CPE", kind: .cpe, name: cpe.name, scheme: cpe.scheme)
        target.range = branch.range
        if branch.range.isEmpty {
            let version = isOwn && cpe.version != "*" && cpe.version != "-" ? cpe.version : branch.version
            target.version = version
        }
        return target
    }

    /// Microsoft's products have names alone in some of its documents.
    private func microsoft(_ product: CSAFDocument.Product, _ parent: String) -> CPEName? {
        guard document.publisher.hasPrefix("Microsoft") else { return nil }
        let branch = parent.split(separator: "\u{1F}").last.map(String.init) ?? ""
        return MicrosoftProduct.name(branch) ?? MicrosoftProduct.name(product.name)
    }
}
