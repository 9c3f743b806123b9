import JSON
import Timestamps

/// A document of the Common Security Advisory Framework 2.0 (OASIS), as far as it is used, as it was written.
struct CSAFDocument {
    struct Product {
        var id = ""
        var name = ""
        var cpe = ""
        var purl = ""
        /// The branch above it that names its version, or the range of its versions.
        var version = ""
        var range = ""
        /// The branch above that: leaves of one parent are versions of one product.
        var parent = ""
    }

    struct Relationship {
        var product = Product()
        var component = ""
        var platform = ""
    }

    struct Remediation {
        var category = ""
        var details = ""
        var url = ""
        var products: [String] = []
    }

    /// Words about some products: flags, impacts.
    struct Remark {
        var category = ""
        var text = ""
        var products: [String] = []
    }

    struct Score {
        var severities: [Severity] = []
        var products: [String] = []
    }

    struct Vulnerability {
        var cve = ""
        var ids: [String] = []
        var title = ""
        var notes: [String: String] = [:]
        var weaknesses: [String] = []
        var published: Timestamp?
        var references: [Reference] = []
        var affected: [String] = []
        var fixed: [String] = []
        var notAffected: [String] = []
        var underInvestigation: [String] = []
        var remediations: [Remediation] = []
        var flags: [Remark] = []
        var threats: [Remark] = []
        var scores: [Score] = []
    }

    var category = ""
    var title = ""
    var severity = ""
    var publisher = ""
    var id = ""
    var published: Timestamp?
    var modified: Timestamp?
    var notes: [String: String] = [:]
    var references: [Reference] = []
    var products: [String: Product] = [:]
    var relationships: [String: Relationship] = [:]
    var groups: [String: [String]] = [:]
    var vulnerabilities: [Vulnerability] = []
}

extension CSAFDocument {
    /// Reads the whole of it.
    init(_ reader: inout JSONReader, _ tally: inout FeedTally) throws(JSONError) {
        var drops: [String] = []
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "document": try self.head(&reader, &drops)
            case "product_tree":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "branches": try self.branches(&reader, Product())
                    case "full_product_names":
                        try reader.array { reader throws(JSONError) in
                            let product = try Self.product(&reader, Product())
                            self.products[product.id] = product
                        }
                    case "relationships":
                        try reader.array { reader throws(JSONError) in
                            let relationship = try Self.relationship(&reader)
                            self.relationships[relationship.product.id] = relationship
                        }
                    case "product_groups":
                        try reader.array { reader throws(JSONError) in
                            var id = ""
                            var products: [String] = []
                            try reader.object { reader, key throws(JSONError) in
                                switch key {
                                case "group_id": id = try reader.string()
                                case "product_ids": products = try reader.feedStrings()
                                default: try reader.skip()
                                }
                            }
                            self.groups[id] = products
                        }
                    default: drops.append("product_tree/" + key.string.prefix(64))
                    }
                }
            case "vulnerabilities":
                try reader.array { reader throws(JSONError) in
                    self.vulnerabilities.append(try Self.vulnerability(&reader, &drops))
                }
            default: drops.append(String(key.string.prefix(64)))
            }
        }
        for drop in drops { tally.drop(drop) }
    }

    private mutating func head(_ reader: inout JSONReader, _ drops: inout [String]) throws(JSONError) {
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "category": self.category = try reader.string()
            case "title": self.title = try reader.feedText()
            case "notes": self.notes = try Self.notes(&reader)
            case "references": self.references = try Self.references(&reader)
            case "aggregate_severity":
                try reader.object { reader, key throws(JSONError) in
                    if key == "text" { self.severity = try reader.feedText() }
                }
            case "publisher":
                try reader.object { reader, key throws(JSONError) in
                    if key == "name" { self.publisher = try reader.feedText() }
                }
            case "tracking":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "id": self.id = try reader.string()
                    case "initial_release_date": self.published = try reader.feedDate()
                    case "current_release_date": self.modified = try reader.feedDate()
                    case "revision_history", "generator", "status", "version": try reader.skip()
                    default: drops.append("document/tracking/" + key.string.prefix(64))
                    }
                }
            case "csaf_version", "lang": try reader.skip()
            default: drops.append("document/" + key.string.prefix(64))
            }
        }
    }

    /// Branches nest; what they name above a product is part of it.
    private mutating func branches(_ reader: inout JSONReader, _ above: Product) throws(JSONError) {
        try reader.array { reader throws(JSONError) in
            let start = reader
            var category = ""
            var name = ""
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "category": category = try reader.string()
                case "name": name = try reader.string()
                default: try reader.skip()
                }
            }
            var here = above
            switch category {
            case "product_version": here.version = name
            case "product_version_range": here.range = name
            default: here.parent += (here.parent.isEmpty ? "" : "\u{1F}") + name
            }
            reader = start
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "branches": try self.branches(&reader, here)
                case "product":
                    let product = try Self.product(&reader, here)
                    self.products[product.id] = product
                default: try reader.skip()
                }
            }
        }
    }

    private static func product(_ reader: inout JSONReader, _ above: Product) throws(JSONError) -> Product {
        var product = above
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "product_id": product.id = try reader.string()
            case "name": product.name = try reader.string()
            case "product_identification_helper":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "cpe": product.cpe = try reader.string()
                    case "purl": product.purl = try reader.string()
                    default: try reader.skip()
                    }
                }
            default: try reader.skip()
            }
        }
        return product
    }

    private static func relationship(_ reader: inout JSONReader) throws(JSONError) -> Relationship {
        var relationship = Relationship()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "full_product_name": relationship.product = try self.product(&reader, Product())
            case "product_reference": relationship.component = try reader.string()
            case "relates_to_product_reference": relationship.platform = try reader.string()
            default: try reader.skip()
            }
        }
        return relationship
    }

    /// The first note of each category.
    private static func notes(_ reader: inout JSONReader) throws(JSONError) -> [String: String] {
        var notes: [String: String] = [:]
        try reader.array { reader throws(JSONError) in
            var category = ""
            var text = ""
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "category": category = try reader.string()
                case "text": text = try reader.feedDetails()
                default: try reader.skip()
                }
            }
            if ["description", "summary", "details", "general"].contains(category), notes[category] == nil {
                notes[category] = text
            }
        }
        return notes
    }

    private static func references(_ reader: inout JSONReader) throws(JSONError) -> [Reference] {
        try reader.feedList { reader throws(JSONError) in
            var reference = Reference(type: "WEB", url: "")
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "category": if try reader.feedText() == "self" { reference.type = "ADVISORY" }
                case "url": reference.url = try reader.string()
                default: try reader.skip()
                }
            }
            return reference
        }
    }

    private static func vulnerability(
        _ reader: inout JSONReader, _ drops: inout [String]
    ) throws(JSONError) -> Vulnerability {
        var vulnerability = Vulnerability()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "cve": vulnerability.cve = try reader.feedText()
            case "ids":
                try reader.array { reader throws(JSONError) in
                    try reader.object { reader, key throws(JSONError) in
                        if key == "text" { vulnerability.ids.append(try reader.string()) }
                    }
                }
            case "title": vulnerability.title = try reader.feedText()
            case "notes": vulnerability.notes = try self.notes(&reader)
            case "cwe":
                // Drafts have the id alone.
                if try reader.peek() == .string { return vulnerability.weaknesses.append(try reader.string()) }
                try reader.feedObject { reader, key throws(JSONError) in
                    if key == "id" { vulnerability.weaknesses.append(try reader.string()) }
                }
            case "release_date": vulnerability.published = try reader.feedDate()
            case "references": vulnerability.references = try self.references(&reader)
            case "product_status":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "known_affected", "first_affected", "last_affected":
                        vulnerability.affected += try reader.feedStrings()
                    // What SUSE recommends is what fixes it.
                    case "fixed", "first_fixed", "recommended": vulnerability.fixed += try reader.feedStrings()
                    case "known_not_affected": vulnerability.notAffected += try reader.feedStrings()
                    case "under_investigation": vulnerability.underInvestigation += try reader.feedStrings()
                    default: drops.append("vulnerabilities/product_status/" + key.string.prefix(64))
                    }
                }
            case "remediations":
                vulnerability.remediations = try reader.feedList { reader throws(JSONError) in
                    var remediation = Remediation()
                    try reader.object { reader, key throws(JSONError) in
                        switch key {
                        case "category": remediation.category = try reader.string()
                        case "details": remediation.details = try reader.feedText()
                        case "url": remediation.url = try reader.feedText()
                        case "product_ids": remediation.products += try reader.feedStrings()
                        case "group_ids": remediation.products += try reader.feedStrings().map { "\u{1F}" + $0 }
                        default: drops.append("vulnerabilities/remediations/" + key.string.prefix(64))
                        }
                    }
                    return remediation
                }
            case "flags": vulnerability.flags = try self.remarks(&reader, "label")
            case "threats": vulnerability.threats = try self.remarks(&reader, "details")
            case "scores":
                vulnerability.scores = try reader.feedList { reader throws(JSONError) in try self.score(&reader) }
            default: drops.append("vulnerabilities/" + key.string.prefix(64))
            }
        }
        return vulnerability
    }

    private static func remarks(_ reader: inout JSONReader, _ field: StaticString) throws(JSONError) -> [Remark] {
        try reader.feedList { reader throws(JSONError) in
            var remark = Remark()
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case field: remark.text = try reader.feedText()
                case "category": remark.category = try reader.feedText()
                case "product_ids": remark.products += try reader.feedStrings()
                case "group_ids": remark.products += try reader.feedStrings().map { "\u{1F}" + $0 }
                default: try reader.skip()
                }
            }
            return remark
        }
    }

    private static func score(_ reader: inout JSONReader) throws(JSONError) -> Score {
        var score = Score()
        try reader.object { reader, key throws(JSONError) in
            let type: String
            switch key {
            case "cvss_v2": type = "CVSS_V2"
            case "cvss_v3": type = "CVSS_V3"
            case "cvss_v4": type = "CVSS_V4"
            case "products":
                score.products = try reader.feedStrings()
                return
            default: return try reader.skip()
            }
            try reader.object { reader, key throws(JSONError) in
                if key == "vectorString" { score.severities.append(Severity(type: type, score: try reader.string())) }
            }
        }
        return score
    }
}
