/// An attribute of an element. There is none that takes script or style, for the pages' policy forbids both.
public struct Attribute: Sendable {
    private let name: StaticString
    /// nil for an attribute that is just there.
    private let value: String?
    private let isPresent: Bool

    private init(_ name: StaticString, _ value: String?, isPresent: Bool = true) {
        self.name = name
        self.value = value
        self.isPresent = isPresent
    }

    private static func flag(_ name: StaticString, _ isPresent: Bool) -> Attribute {
        Attribute(name, nil, isPresent: isPresent)
    }

    func write(to bytes: inout [UInt8]) {
        guard isPresent else { return }
        bytes.append(UInt8(ascii: " "))
        bytes.append(name)
        guard let value else { return }
        bytes.append(contentsOf: [UInt8(ascii: "="), UInt8(ascii: "\"")])
        Escaping.append(value, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }
}

/// How a form is sent.
public enum FormMethod: String, Sendable {
    case get, post
}

/// What a field takes.
public enum InputType: String, Sendable {
    case text, search, password, number, checkbox, radio, hidden, email
}

/// What a browser may fill in: the HTML standard's autofill names.
public enum Autocomplete: String, Sendable {
    case off, on, username
    case currentPassword = "current-password"
    case newPassword = "new-password"
    case oneTimeCode = "one-time-code"
}

extension Attribute {
    // MARK: Of every element
    public static func `class`(_ names: String...) -> Attribute {
        let text = names.filter { !$0.isEmpty }.joined(separator: " ")
        return Attribute("class", text, isPresent: !text.isEmpty)
    }
    public static func id(_ text: String) -> Attribute { Attribute("id", text) }
    public static func title(_ text: String) -> Attribute { Attribute("title", text) }
    public static func lang(_ text: String) -> Attribute { Attribute("lang", text) }
    public static func role(_ text: StaticString) -> Attribute { Attribute("role", "\(text)") }
    public static func tabindex(_ index: Int) -> Attribute { Attribute("tabindex", String(index)) }
    public static func hidden(_ isHidden: Bool = true) -> Attribute { .flag("hidden", isHidden) }

    /// `data-NAME`: what our own script reads.
    public static func data(_ name: DataName, _ text: String = "") -> Attribute {
        switch name {
        case .theme: Attribute("data-theme", text)
        case .live: Attribute("data-live", text)
        case .events: Attribute("data-events", text)
        case .copy: Attribute("data-copy", text)
        case .row: Attribute("data-row", text)
        case .select: Attribute("data-select", text)
        case .submit: Attribute("data-submit", text)
        case .dialog: Attribute("data-dialog", text)
        case .tone: Attribute("data-tone", text)
        case .label: Attribute("data-label", text)
        }
    }

    // MARK: For assistive technology
    public static func ariaLabel(_ text: String) -> Attribute { Attribute("aria-label", text) }
    public static func ariaLabelledBy(_ id: String) -> Attribute { Attribute("aria-labelledby", id) }
    public static func ariaDescribedBy(_ id: String?) -> Attribute {
        Attribute("aria-describedby", id ?? "", isPresent: id != nil)
    }
    public static func ariaHidden(_ isHidden: Bool = true) -> Attribute {
        Attribute("aria-hidden", isHidden ? "true" : "false")
    }
    public static func ariaCurrent(_ current: AriaCurrent?) -> Attribute {
        Attribute("aria-current", current?.rawValue ?? "", isPresent: current != nil)
    }
    public static func ariaSort(_ sort: AriaSort?) -> Attribute {
        Attribute("aria-sort", sort?.rawValue ?? "", isPresent: sort != nil)
    }
    public static func ariaInvalid(_ isInvalid: Bool) -> Attribute {
        Attribute("aria-invalid", "true", isPresent: isInvalid)
    }
    public static func ariaLive(_ text: StaticString) -> Attribute { Attribute("aria-live", "\(text)") }

    // MARK: Places
    public static func href(_ location: Location) -> Attribute { Attribute("href", location.description) }
    /// An anchor on the same page.
    public static func href(fragment: StaticString) -> Attribute { Attribute("href", "#\(fragment)") }
    /// Used by ``externalLink(_:content:)`` alone, which says how such a link is to be followed.
    static func href(external location: ExternalLocation) -> Attribute { Attribute("href", location.description) }
    public static func src(_ location: Location) -> Attribute { Attribute("src", location.description) }
    public static func action(_ location: Location) -> Attribute { Attribute("action", location.description) }

    // MARK: Of links, metadata and scripts
    public static func rel(_ text: StaticString) -> Attribute { Attribute("rel", "\(text)") }
    public static func type(_ text: StaticString) -> Attribute { Attribute("type", "\(text)") }
    public static func content(_ text: String) -> Attribute { Attribute("content", text) }
    public static func charset(_ text: StaticString) -> Attribute { Attribute("charset", "\(text)") }
    public static func `defer`() -> Attribute { .flag("defer", true) }
    public static func download(_ name: String) -> Attribute { Attribute("download", name) }

    // MARK: Of forms and fields
    public static func method(_ method: FormMethod) -> Attribute { Attribute("method", method.rawValue) }
    public static func name(_ text: String) -> Attribute { Attribute("name", text) }
    public static func value(_ text: String) -> Attribute { Attribute("value", text) }
    public static func type(_ type: InputType) -> Attribute { Attribute("type", type.rawValue) }
    public static func placeholder(_ text: String) -> Attribute { Attribute("placeholder", text) }
    public static func autocomplete(_ kind: Autocomplete) -> Attribute { Attribute("autocomplete", kind.rawValue) }
    public static func inputmode(_ text: StaticString) -> Attribute { Attribute("inputmode", "\(text)") }
    public static func `for`(_ id: String) -> Attribute { Attribute("for", id) }
    public static func checked(_ isChecked: Bool = true) -> Attribute { .flag("checked", isChecked) }
    public static func selected(_ isSelected: Bool = true) -> Attribute { .flag("selected", isSelected) }
    public static func required(_ isRequired: Bool = true) -> Attribute { .flag("required", isRequired) }
    public static func disabled(_ isDisabled: Bool = true) -> Attribute { .flag("disabled", isDisabled) }
    public static func autofocus(_ has: Bool = true) -> Attribute { .flag("autofocus", has) }
    public static func spellcheck(_ does: Bool) -> Attribute { Attribute("spellcheck", does ? "true" : "false") }
    public static func readonly() -> Attribute { .flag("readonly", true) }
    public static func minlength(_ count: Int) -> Attribute { Attribute("minlength", String(count)) }
    public static func rows(_ count: Int) -> Attribute { Attribute("rows", String(count)) }
    public static func maxlength(_ count: Int) -> Attribute { Attribute("maxlength", String(count)) }
    public static func min(_ bound: Int) -> Attribute { Attribute("min", String(bound)) }
    public static func max(_ bound: Int) -> Attribute { Attribute("max", String(bound)) }
    public static func form(_ id: String) -> Attribute { Attribute("form", id) }
    public static func open(_ isOpen: Bool = true) -> Attribute { .flag("open", isOpen) }

    // MARK: Of tables and times
    public static func scope(_ text: StaticString) -> Attribute { Attribute("scope", "\(text)") }
    public static func colspan(_ count: Int) -> Attribute { Attribute("colspan", String(count)) }
    public static func datetime(_ text: String) -> Attribute { Attribute("datetime", text) }

    // MARK: Of drawings
    public static func viewBox(_ width: Int, _ height: Int) -> Attribute {
        Attribute("viewBox", "0 0 \(width) \(height)")
    }
    public static func d(_ path: StaticString) -> Attribute { Attribute("d", "\(path)") }
    /// A path drawn from numbers.
    public static func d(_ steps: [PathStep]) -> Attribute {
        Attribute("d", steps.map(\.text).joined())
    }
    public static func symbol(_ id: StaticString) -> Attribute { Attribute("href", "#\(id)") }
    public static func x(_ number: Double) -> Attribute { Attribute("x", svgNumber(number)) }
    public static func y(_ number: Double) -> Attribute { Attribute("y", svgNumber(number)) }
    public static func width(_ number: Double) -> Attribute { Attribute("width", svgNumber(number)) }
    public static func height(_ number: Double) -> Attribute { Attribute("height", svgNumber(number)) }
    public static func rx(_ number: Double) -> Attribute { Attribute("rx", svgNumber(number)) }
    public static func cx(_ number: Double) -> Attribute { Attribute("cx", svgNumber(number)) }
    public static func cy(_ number: Double) -> Attribute { Attribute("cy", svgNumber(number)) }
    public static func r(_ number: Double) -> Attribute { Attribute("r", svgNumber(number)) }
    public static func preserveAspectRatio(_ text: StaticString) -> Attribute {
        Attribute("preserveAspectRatio", "\(text)")
    }
    public static func focusable(_ isFocusable: Bool) -> Attribute {
        Attribute("focusable", isFocusable ? "true" : "false")
    }
}

/// The names of attributes that our own script reads.
public enum DataName: Sendable {
    case theme, live, events, copy, row, select, submit, dialog, tone, label
}

/// What of a set is the one being looked at.
public enum AriaCurrent: String, Sendable {
    case page, step, `true`
}

/// How a column is sorted.
public enum AriaSort: String, Sendable {
    case ascending, descending
}

/// A step of a drawn path, in whole units.
public enum PathStep: Sendable {
    /// To a point, without a line.
    case move(Int, Int)
    /// A line to the right by that much.
    case right(Int)
    /// A line down by that much.
    case down(Int)
    /// Back to where the line began.
    case close

    var text: String {
        switch self {
        case .move(let x, let y): "M\(x) \(y)"
        case .right(let length): "h\(length)"
        case .down(let length): "v\(length)"
        case .close: "z"
        }
    }
}

/// A number with at most two decimals, without an exponent.
private func svgNumber(_ number: Double) -> String {
    guard number.isFinite else { return "0" }
    let hundredths = Int((min(max(number, -1e9), 1e9) * 100).rounded())
    guard hundredths % 100 != 0 else { return String(hundredths / 100) }
    let sign = hundredths < 0 ? "-" : ""
    let part = abs(hundredths) % 100
    return "\(sign)\(abs(hundredths) / 100).\(part < 10 ? "0" : "")\(part)"
}
