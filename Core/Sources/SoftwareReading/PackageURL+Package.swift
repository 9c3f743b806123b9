public import Inventory
public import PackageURLs

extension PackageURL {
    /// The package that it names; nil where it names none that can be judged (no version, a type of files or services).
    ///
    /// - Parameters:
    ///   - distribution: the operating system of the document, for packages of one whose URL does not say which.
    ///   - properties: what the document says beside it, in the dialects of syft and Trivy.
    public func package(distribution: String, properties: [String: String] = [:]) -> SoftwarePackage? {
        guard !version.isEmpty else { return nil }
        guard ["deb", "rpm", "apk", "alpm"].contains(type) else { return languagePackage }
        var version = version
        if let epoch = qualifiers["epoch"] ?? properties["aquasecurity:trivy:Epoch"], epoch != "0",
            !version.contains(":")
        {
            version = "\(epoch):\(version)"
        }
        var package = SoftwarePackage(
            scheme: type, distribution: qualifiers["distro"].flatMap { named($0) } ?? distribution, name: name,
            architecture: qualifiers["arch"] ?? "", version: version)
        readSource(&package, properties)
        let label =
            qualifiers["modularitylabel"] ?? qualifiers["rpmmod"] ?? properties["aquasecurity:trivy:Modularitylabel"]
            ?? properties["syft:metadata:modularityLabel"] ?? ""
        // name:stream:version:context
        package.module = label.split(separator: ":").prefix(2).joined(separator: ":")
        return package
    }

    private var languagePackage: SoftwarePackage? {
        let full: String
        switch type {
        case "maven", "gradle": full = namespace.isEmpty ? name : "\(namespace):\(name)"
        case "generic", "docker", "oci", "mlmodel", "github", "bitbucket", "huggingface": return nil
        default: full = namespace.isEmpty ? name : "\(namespace)/\(name)"
        }
        return SoftwarePackage(scheme: type, distribution: "", name: full, architecture: "", version: version)
    }

    private func readSource(_ package: inout SoftwarePackage, _ properties: [String: String]) {
        if let source = properties["aquasecurity:trivy:SrcName"], !source.isEmpty {
            package.source = source
            if var version = properties["aquasecurity:trivy:SrcVersion"], !version.isEmpty {
                if let release = properties["aquasecurity:trivy:SrcRelease"], !release.isEmpty {
                    version += "-\(release)"
                }
                if let epoch = properties["aquasecurity:trivy:SrcEpoch"], epoch != "0", !epoch.isEmpty {
                    version = "\(epoch):\(version)"
                }
                package.sourceVersion = version
            } else {
                package.sourceVersion = SourceVersion.derived(package.version, scheme: type)
            }
            return
        }
        let upstream = qualifiers["upstream"] ?? properties["syft:metadata:source"] ?? ""
        if type == "rpm",
            let source = SourceVersion.ofSourceRPM(
                upstream.isEmpty ? properties["syft:metadata:sourceRpm"] ?? "" : upstream, epochOf: package.version)
        {
            (package.source, package.sourceVersion) = source
            return
        }
        if upstream.isEmpty {
            package.sourceVersion = SourceVersion.derived(package.version, scheme: type)
            if let origin = properties["syft:metadata:originPackage"], !origin.isEmpty { package.source = origin }
            return
        }
        if let at = upstream.firstIndex(of: "@") {
            package.source = String(upstream[..<at])
            package.sourceVersion = String(upstream[upstream.index(after: at)...])
        } else {
            package.source = upstream
            let stated = properties["syft:metadata:sourceVersion"] ?? ""
            package.sourceVersion = stated.isEmpty ? SourceVersion.derived(package.version, scheme: type) : stated
        }
    }

    /// A distribution as os-release names it: `debian-12.5`, `alma-9.3`, or a codename alone beside its namespace.
    private func named(_ distro: String) -> String? {
        guard distro.contains("-") || !namespace.isEmpty else { return nil }
        return Distribution.name(distro.contains("-") ? distro : "\(namespace)-\(distro)")
    }
}

/// Names of distributions in documents of several tools.
enum Distribution {
    private static let ids = [
        "alma": "almalinux", "redhat": "rhel", "red-hat": "rhel", "oracle": "ol", "oraclelinux": "ol", "amazon": "amzn",
        "amazonlinux": "amzn", "suse": "sles", "opensuse.leap": "opensuse-leap",
        "opensuse.tumbleweed": "opensuse-tumbleweed", "cbl-mariner": "mariner", "rockylinux": "rocky",
    ]

    /// `id-version` with the id that os-release uses.
    static func name(_ text: String) -> String {
        guard let dash = text.lastIndex(of: "-") else { return ids[text.lowercased()] ?? text.lowercased() }
        let id = text[..<dash].lowercased()
        return "\(ids[id] ?? id)-\(text[text.index(after: dash)...])"
    }
}

/// What a binary package's version says of its source's.
enum SourceVersion {
    /// The source's version where nobody says it: without the mark of a rebuild (`+b2`), which binaries alone have.
    static func derived(_ version: String, scheme: String) -> String {
        guard scheme == "deb", let plus = version.lastIndex(of: "+") else { return version }
        let mark = version[version.index(after: plus)...]
        guard mark.first == "b", mark.count > 1, mark.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return version
        }
        return String(version[..<plus])
    }

    /// Name and version of `openssl-3.0.7-1.el9.src.rpm`, with the epoch of the binary, which a file's name leaves out.
    static func ofSourceRPM(_ file: String, epochOf binary: String) -> (String, String)? {
        guard file.hasSuffix(".src.rpm") else { return nil }
        let parts = file.dropLast(".src.rpm".count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        let name = parts.dropLast(2).joined(separator: "-")
        let version = parts.suffix(2).joined(separator: "-")
        guard let colon = binary.firstIndex(of: ":") else { return (name, version) }
        return (name, binary[...colon] + version)
    }
}
