import Inventory
public import JSON
import PackageURLs

/// Reads a bill of materials: CycloneDX or SPDX in JSON, in the dialects of syft and Trivy alike.
public enum BillOfMaterials {
    /// The largest document.
    public static let limits = JSONLimits(
        maximumBytes: 512 << 20, maximumDepth: 64, maximumItems: 40_000_000, maximumStringBytes: 8 << 20)

    /// Reads a document, which must be one of the two.
    ///
    /// - Throws: ``SoftwareReadingError``.
    public static func read(_ bytes: [UInt8]) throws(SoftwareReadingError) -> FoundSoftware {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: bytes, limits: limits)
        } catch {
            throw SoftwareReadingError("it is no JSON: \(error.description)")
        }
        if document["bomFormat"]?.string == "CycloneDX" || document["components"]?.array != nil {
            return cycloneDX(document)
        }
        if document["spdxVersion"]?.string != nil { return spdx(document) }
        throw SoftwareReadingError("it is neither CycloneDX (bomFormat) nor SPDX 2 (spdxVersion) in JSON")
    }

    // MARK: CycloneDX

    private static func cycloneDX(_ document: JSONValue) -> FoundSoftware {
        var components: [JSONValue] = []
        func flatten(_ list: [JSONValue], _ depth: Int) {
            for component in list {
                components.append(component)
                if depth < 32, let nested = component["components"]?.array { flatten(nested, depth + 1) }
            }
        }
        if let root = document["metadata"]?["component"] { flatten([root], 0) }
        flatten(document["components"]?.array ?? [], 0)
        var distribution = ""
        for component in components where component["type"]?.string == "operating-system" {
            let name = component["name"]?.string ?? ""
            let version = component["version"]?.string ?? ""
            if !name.isEmpty { distribution = Distribution.name(version.isEmpty ? name : "\(name)-\(version)") }
        }
        var found = FoundSoftware()
        for component in components {
            let type = component["type"]?.string ?? ""
            guard let text = component["purl"]?.string else {
                if ["library", "application", "framework"].contains(type), component["version"]?.string != nil {
                    found.skip("\(component["name"]?.string ?? "a component") has no package URL")
                }
                continue
            }
            var properties: [String: String] = [:]
            for property in component["properties"]?.array ?? [] {
                if let name = property["name"]?.string { properties[name] = property["value"]?.string ?? "" }
            }
            guard
                let package = PackageURL(text, isStrict: false)?.package(
                    distribution: distribution, properties: properties)
            else {
                found.skip("\(text) names no version of a package that can be judged")
                continue
            }
            let place = component["bom-ref"]?.string ?? text
            var cpes = [component["cpe"]?.string].compactMap(\.self)
            for (name, value) in properties where name == "syft:cpe23" { cpes.append(value) }
            found.packages.append(
                FoundPackage(package, cpes: cpes.compactMap(cpeName), place: place, url: text))
        }
        return found
    }

    // MARK: SPDX

    private static func spdx(_ document: JSONValue) -> FoundSoftware {
        var found = FoundSoftware()
        var distribution = ""
        let packages = document["packages"]?.array ?? []
        for package in packages where package["primaryPackagePurpose"]?.string == "OPERATING-SYSTEM" {
            let name = package["name"]?.string ?? ""
            let version = package["versionInfo"]?.string ?? ""
            if !name.isEmpty { distribution = Distribution.name(version.isEmpty ? name : "\(name)-\(version)") }
        }
        var owners: [String: String] = [:]
        for relation in document["relationships"]?.array ?? [] {
            guard relation["relationshipType"]?.string == "OTHER",
                relation["comment"]?.string?.contains("ownership-by-file-overlap") == true,
                let owner = relation["spdxElementId"]?.string, let part = relation["relatedSpdxElement"]?.string
            else { continue }
            owners[part] = owner
        }
        for package in packages {
            var url: String?
            var cpes: [String] = []
            for reference in package["externalRefs"]?.array ?? [] {
                let locator = reference["referenceLocator"]?.string ?? ""
                switch reference["referenceType"]?.string {
                case "purl": url = url ?? locator
                case "cpe23Type": cpes.append(locator)
                default: break
                }
            }
            let id = package["SPDXID"]?.string ?? ""
            guard let url else {
                if package["versionInfo"]?.string != nil, package["primaryPackagePurpose"]?.string != "OPERATING-SYSTEM"
                {
                    found.skip("\(package["name"]?.string ?? id) has no package URL")
                }
                continue
            }
            // Trivy's own words: built package from `openssl 3.0.11-1~deb12u2`.
            var properties: [String: String] = [:]
            if let source = package["sourceInfo"]?.string, source.hasPrefix("built package from: ") {
                let words = source.dropFirst("built package from: ".count).split(separator: " ").map(String.init)
                if let name = words.first {
                    properties["aquasecurity:trivy:SrcName"] = name
                    if words.count > 1 { properties["aquasecurity:trivy:SrcVersion"] = words[1] }
                }
            }
            guard
                let read = PackageURL(url, isStrict: false)?.package(distribution: distribution, properties: properties)
            else {
                found.skip("\(url) names no version of a package that can be judged")
                continue
            }
            found.packages.append(
                FoundPackage(read, cpes: cpes.compactMap(cpeName), place: id, url: url, owner: owners[id]))
        }
        return found
    }

    /// `a:openssl:openssl` of a CPE 2.3 name; nil where it is a guess for every vendor.
    static func cpeName(_ text: String) -> String? {
        guard text.hasPrefix("cpe:2.3:") else { return nil }
        var parts: [String] = [""]
        var isEscaped = false
        for character in text.dropFirst("cpe:2.3:".count) {
            if character == ":", !isEscaped {
                parts.append("")
                if parts.count > 4 { break }
                continue
            }
            parts[parts.count - 1].append(character)
            isEscaped = character == "\\" && !isEscaped
        }
        guard parts.count >= 3, !parts[1].isEmpty, !parts[2].isEmpty, parts[1] != "*", parts[2] != "*" else {
            return nil
        }
        return parts.prefix(3).joined(separator: ":")
    }
}
