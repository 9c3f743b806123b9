import JSON
import Timestamps

/// A document of the Common Security Advisory Framework 2.0 (OASIS), as far as it is used, as it was written.
struct CSAFDocument {
    struct Product {
        /// The number of its id.
        var id: Int32 = -1
        var name = ""
        var cpe = ""
        var purl = ""
        /// The branch that it stands in; -1 for none.
        var branch: Int32 = -1
    }

    /// A branch of the product tree, which names a part of the products below it.
    struct Branch {
        var category = ""
        var name = ""
        /// The branch above it; -1 for none.
        var above: Int32
    }

    struct Relationship {
        var product = Product()
        /// Numbers of products' ids; -1 for none.
        var component: Int32 = -1
        var platform: Int32 = -1
    }

    struct Remediation {
        var category = ""
        var details = ""
        var url = ""
        var products: [Int32] = []
    }

    /// Words about some products: flags, impacts.
    struct Remark {
        var category = ""
        var text = ""
        var products: [Int32] = []
    }

    struct Score {
        var severities: [Severity] = []
        var products: [Int32] = []
    }

    struct Vulnerability {
        var cve = ""
        var ids: [String] = []
        var title = ""
        var notes: [String: String] = [:]
        var weaknesses: [String] = []
        var published: Timestamp?
        var references: [Reference] = []
        var affected: [Int32] = []
        var fixed: [Int32] = []
        var notAffected: [Int32] = []
        var underInvestigation: [Int32] = []
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
    /// Ids of products and relationships; lists of them hold groups as the complement of the group's number.
    var ids = CSAFNames()
    private var groupIDs = CSAFNames()
    var branches: [Branch] = []
    var products = CSAFTable<Product>()
    var relationships = CSAFTable<Relationship>()
    private var groups = CSAFTable<[Int32]>()
    var vulnerabilities: [Vulnerability] = []
}

extension CSAFDocument {
    /// The products of a list that may name groups of them.
    func products(_ numbers: [Int32]) -> [Int32] {
        guard numbers.contains(where: { $0 < 0 }) else { return numbers }
        return numbers.flatMap { $0 < 0 ? groups[~$0] ?? [] : [$0] }
    }

    /// The text of a product's id; empty for none.
    func id(_ number: Int32) -> String { number < 0 ? "" : ids.texts[Int(number)] }

    /// Fields without a use, which count only where the whole document can be used.
    private typealias Drops = [(place: StaticString, key: JSONText)]

    /// Reads the whole of it.
    init(_ reader: inout JSONReader, _ tally: inout FeedTally) throws(JSONError) {
        var drops: Drops = []
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "document": try self.head(&reader, &drops)
            case "product_tree":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "branches": try self.branches(&reader, above: -1)
                    case "full_product_names":
                        try reader.array { reader throws(JSONError) in
                            let product = try self.product(&reader, in: -1)
                            self.products[product.id] = product
                        }
                    case "relationships":
                        try reader.array { reader throws(JSONError) in
                            let relationship = try self.relationship(&reader)
                            self.relationships[relationship.product.id] = relationship
                        }
                    case "product_groups":
                        try reader.array { reader throws(JSONError) in
                            var id: Int32?
                            var products: [Int32] = []
                            try reader.object { reader, key throws(JSONError) in
                                switch key {
                                case "group_id": id = self.groupIDs.number(try reader.text())
                                case "product_ids": products = try self.numbers(&reader)
                                default: try reader.skip()
                                }
                            }
                            if let id { self.groups[id] = products }
                        }
                    default: drops.append(("product_tree/", key))
                    }
                }
            case "vulnerabilities":
                try reader.array { reader throws(JSONError) in
                    let vulnerability = try self.vulnerability(&reader, &drops)
                    self.vulnerabilities.append(vulnerability)
                }
            default: drops.append(("", key))
            }
        }
        for drop in drops { tally.drop(drop.place, drop.key) }
    }

    /// The numbers of a list of ids; null is none.
    private mutating func numbers(_ reader: inout JSONReader) throws(JSONError) -> [Int32] {
        if try reader.isNull() { return [] }
        var numbers: [Int32] = []
        try reader.array { reader throws(JSONError) in numbers.append(self.ids.number(try reader.text())) }
        return numbers
    }

    /// The same of a list of groups, as ``products(_:)`` knows them.
    private mutating func groupNumbers(_ reader: inout JSONReader) throws(JSONError) -> [Int32] {
        if try reader.isNull() { return [] }
        var numbers: [Int32] = []
        try reader.array { reader throws(JSONError) in numbers.append(~self.groupIDs.number(try reader.text())) }
        return numbers
    }

    private mutating func head(_ reader: inout JSONReader, _ drops: inout Drops) throws(JSONError) {
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
                    default: drops.append(("document/tracking/", key))
                    }
                }
            case "csaf_version", "lang": try reader.skip()
            default: drops.append(("document/", key))
            }
        }
    }

    /// Branches nest. What names one often stands behind all that is in it, so products keep its number alone.
    private mutating func branches(_ reader: inout JSONReader, above: Int32) throws(JSONError) {
        try reader.array { reader throws(JSONError) in
            let here = Int32(self.branches.count)
            self.branches.append(Branch(above: above))
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case "category": self.branches[Int(here)].category = try reader.string()
                case "name": self.branches[Int(here)].name = try reader.string()
                case "branches": try self.branches(&reader, above: here)
                case "product":
                    let product = try self.product(&reader, in: here)
                    self.products[product.id] = product
                default: try reader.skip()
                }
            }
        }
    }

    private mutating func product(
        _ reader: inout JSONReader, in branch: Int32, isNamed: Bool = true
    ) throws(JSONError) -> Product {
        var product = Product()
        product.branch = branch
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "product_id": product.id = self.ids.number(try reader.text())
            case "name" where isNamed: product.name = try reader.string()
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

    private mutating func relationship(_ reader: inout JSONReader) throws(JSONError) -> Relationship {
        var relationship = Relationship()
        try reader.object { reader, key throws(JSONError) in
            switch key {
            case "full_product_name": relationship.product = try self.product(&reader, in: -1, isNamed: false)
            case "product_reference": relationship.component = self.ids.number(try reader.text())
            case "relates_to_product_reference": relationship.platform = self.ids.number(try reader.text())
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

    private mutating func vulnerability(
        _ reader: inout JSONReader, _ drops: inout Drops
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
            case "notes": vulnerability.notes = try Self.notes(&reader)
            case "cwe":
                // Drafts have the id alone.
                if try reader.peek() == .string { return vulnerability.weaknesses.append(try reader.string()) }
                try reader.feedObject { reader, key throws(JSONError) in
                    if key == "id" { vulnerability.weaknesses.append(try reader.string()) }
                }
            case "release_date": vulnerability.published = try reader.feedDate()
            case "references": vulnerability.references = try Self.references(&reader)
            case "product_status":
                try reader.object { reader, key throws(JSONError) in
                    switch key {
                    case "known_affected", "first_affected", "last_affected":
                        vulnerability.affected += try self.numbers(&reader)
                    // What SUSE recommends is what fixes it.
                    case "fixed", "first_fixed", "recommended": vulnerability.fixed += try self.numbers(&reader)
                    case "known_not_affected": vulnerability.notAffected += try self.numbers(&reader)
                    case "under_investigation": vulnerability.underInvestigation += try self.numbers(&reader)
                    default: drops.append(("vulnerabilities/product_status/", key))
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
                        case "product_ids": remediation.products += try self.numbers(&reader)
                        case "group_ids": remediation.products += try self.groupNumbers(&reader)
                        default: drops.append(("vulnerabilities/remediations/", key))
                        }
                    }
                    return remediation
                }
            case "flags": vulnerability.flags = try self.remarks(&reader, "label")
            case "threats": vulnerability.threats = try self.remarks(&reader, "details")
            case "scores":
                vulnerability.scores = try reader.feedList { reader throws(JSONError) in try self.score(&reader) }
            default: drops.append(("vulnerabilities/", key))
            }
        }
        return vulnerability
    }

    private mutating func remarks(_ reader: inout JSONReader, _ field: StaticString) throws(JSONError) -> [Remark] {
        try reader.feedList { reader throws(JSONError) in
            var remark = Remark()
            try reader.object { reader, key throws(JSONError) in
                switch key {
                case field: remark.text = try reader.feedText()
                case "category": remark.category = try reader.feedText()
                case "product_ids": remark.products += try self.numbers(&reader)
                case "group_ids": remark.products += try self.groupNumbers(&reader)
                default: try reader.skip()
                }
            }
            return remark
        }
    }

    private mutating func score(_ reader: inout JSONReader) throws(JSONError) -> Score {
        var score = Score()
        try reader.object { reader, key throws(JSONError) in
            let type: String
            switch key {
            case "cvss_v2": type = "CVSS_V2"
            case "cvss_v3": type = "CVSS_V3"
            case "cvss_v4": type = "CVSS_V4"
            case "products":
                score.products = try self.numbers(&reader)
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
