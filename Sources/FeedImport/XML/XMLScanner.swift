import CXML2
import Glibc

/// Why a document is no XML that is taken.
struct XMLFault: Error, Sendable, CustomStringConvertible {
    let description: String
}

/// An element with all that it holds: what a record of a feed is made of.
final class XMLElement {
    let name: String
    fileprivate(set) var attributes: [(name: String, value: String)] = []
    fileprivate(set) var children: [XMLElement] = []
    /// The text that stands directly in it.
    fileprivate(set) var ownText = ""

    fileprivate init(name: String) { self.name = name }

    /// The value of an attribute.
    subscript(_ attribute: String) -> String? { attributes.first { $0.name == attribute }?.value }

    /// The first child of that name.
    func child(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// All children of that name.
    func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// Its text without blanks around it.
    var text: String { ownText.trimmed }

    /// The text of the first child of that name; empty where there is none.
    func text(_ child: String) -> String { self.child(child)?.text ?? "" }

    /// All elements below it of that name, in the order of the document.
    func descendants(_ name: String) -> [XMLElement] {
        var found: [XMLElement] = []
        var pending = Array(children.reversed())
        while let element = pending.popLast() {
            if element.name == name { found.append(element) }
            pending.append(contentsOf: element.children.reversed())
        }
        return found
    }
}

extension StringProtocol {
    /// Without blanks at both ends.
    var trimmed: String {
        var rest = self[startIndex..<endIndex]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }
}

/// Reads XML from front to back by libxml2's reader: no network, no entities of the document's own, bounded depth, count
/// and length; namespaces are not looked at.
final class XMLScanner {
    /// How deep elements may lie in each other.
    static let maximumDepth = 128
    /// The most elements of one record.
    static let maximumElements = 2_000_000
    /// The most bytes of text and attributes of one record.
    static let maximumText = 256 << 20

    /// libxml2 wants to be started once, before threads use it.
    private static let started: Void = xmlInitParser()

    private let input: UnsafeMutablePointer<fettle_xml_input>
    private let reader: xmlTextReaderPtr
    /// The names that were seen, by libxml2's own copy of them.
    private var names: [UnsafePointer<CChar>: String] = [:]

    /// - Parameter bytes: the document, which must live as long as this.
    init(_ bytes: UnsafeRawBufferPointer) throws(XMLFault) {
        _ = Self.started
        input = .allocate(capacity: 1)
        input.initialize(to: fettle_xml_input())
        input.pointee.next = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        input.pointee.left = bytes.count
        guard let reader = fettle_xml_open(input) else {
            input.deallocate()
            throw XMLFault(description: "libxml2 has no memory")
        }
        self.reader = reader
    }

    deinit {
        xmlFreeTextReader(reader)
        input.deallocate()
    }

    /// How deep the current element lies; the root is 0.
    var depth: Int { Int(xmlTextReaderDepth(reader)) }

    /// The line where the reader is.
    var line: Int { Int(xmlTextReaderGetParserLineNumber(reader)) }

    /// Goes to the next element's start; nil at the end of the document.
    func next() throws(XMLFault) -> String? {
        while true {
            guard try advance() else { return nil }
            if xmlTextReaderNodeType(reader) == Int32(XML_READER_TYPE_ELEMENT.rawValue) { return name() }
        }
    }

    /// The attribute of the current element.
    func attribute(_ wanted: String) -> String? {
        attributes().first { $0.name == wanted }?.value
    }

    /// The current element with all below it. The reader stands at its end afterwards.
    func element() throws(XMLFault) -> XMLElement {
        let root = XMLElement(name: name())
        root.attributes = attributes()
        guard xmlTextReaderIsEmptyElement(reader) == 0 else { return root }
        var open = [root]
        var count = 1
        var size = 0
        while let here = open.last {
            guard try advance() else { throw XMLFault(description: "the document ends inside <\(root.name)>") }
            switch xmlTextReaderNodeType(reader) {
            case Int32(XML_READER_TYPE_ELEMENT.rawValue):
                let element = XMLElement(name: name())
                element.attributes = attributes()
                count += 1
                for attribute in element.attributes { size += attribute.value.utf8.count }
                here.children.append(element)
                if xmlTextReaderIsEmptyElement(reader) == 0 { open.append(element) }
            case Int32(XML_READER_TYPE_END_ELEMENT.rawValue):
                open.removeLast()
            case Int32(XML_READER_TYPE_TEXT.rawValue), Int32(XML_READER_TYPE_CDATA.rawValue):
                guard let value = fettle_xml_value(reader) else { break }
                here.ownText += String(cString: value)
                size += strlen(value)
            default: break
            }
            guard count <= Self.maximumElements, size <= Self.maximumText else {
                throw XMLFault(description: "line \(line): <\(root.name)> has more than a record of a feed can have")
            }
        }
        return root
    }

    private func advance() throws(XMLFault) -> Bool {
        let code = xmlTextReaderRead(reader)
        guard code >= 0, input.pointee.failed == 0 else { throw fault() }
        guard code == 1 else { return false }
        guard depth <= Self.maximumDepth else {
            throw XMLFault(description: "line \(line): elements lie in each other more than \(Self.maximumDepth) deep")
        }
        switch xmlTextReaderNodeType(reader) {
        case Int32(XML_READER_TYPE_DOCUMENT_TYPE.rawValue):
            guard fettle_xml_declares(reader) == 0 else {
                throw XMLFault(description: "line \(line): the document declares entities of its own, as no feed does")
            }
        case Int32(XML_READER_TYPE_ENTITY_REFERENCE.rawValue):
            throw XMLFault(description: "line \(line): the document uses an entity that it does not bring")
        default: break
        }
        return true
    }

    private func fault() -> XMLFault {
        let message = withUnsafeBytes(of: &input.pointee.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimmed
        }
        return XMLFault(
            description: "line \(input.pointee.line): \(message.isEmpty ? "the document breaks off" : message)")
    }

    private func name() -> String {
        guard let pointer = fettle_xml_name(reader) else { return "" }
        if let name = names[pointer] { return name }
        let name = String(cString: pointer)
        // A hostile document must not fill the table.
        if names.count < 10_000 { names[pointer] = name }
        return name
    }

    private func attributes() -> [(name: String, value: String)] {
        guard xmlTextReaderHasAttributes(reader) == 1 else { return [] }
        var result: [(name: String, value: String)] = []
        while xmlTextReaderMoveToNextAttribute(reader) == 1 {
            if xmlTextReaderIsNamespaceDecl(reader) == 1 { continue }
            result.append((name(), fettle_xml_value(reader).map { String(cString: $0) } ?? ""))
        }
        xmlTextReaderMoveToElement(reader)
        return result
    }
}
