import HTML

// The parts that pages are made of. `/style` shows each of them, from these functions.

/// A short judgement: icon and words in its colour.
func badge(_ tone: Tone, _ text: String, icon own: Icon? = nil, title tip: String = "") -> HTML {
    span(.class("badge tone-\(tone.rawValue)"), tip.isEmpty ? .class() : .title(tip)) {
        icon(own ?? tone.icon)
        span { text }
    }
}

/// What something is tagged with.
func tag(_ name: String, _ value: String = "") -> HTML {
    span(.class("tag")) {
        name
        if !value.isEmpty {
            span(.class("tag-value")) { value }
        }
    }
}

/// How strongly a button asks to be pressed.
enum ButtonKind: String {
    case primary, plain, danger, quiet
}

/// A link that looks like a button: it goes somewhere and changes nothing.
func linkButton(_ text: String, _ location: Location, _ kind: ButtonKind = .plain, icon own: Icon? = nil) -> HTML {
    a(.class("button \(kind.rawValue)"), .href(location)) {
        if let own { icon(own) }
        span { text }
    }
}

/// A button that sends its form.
func button(
    _ text: String, _ kind: ButtonKind = .plain, icon own: Icon? = nil, name field: String? = nil, value: String = ""
)
    -> HTML
{
    HTML {
        if let field {
            button(.class("button \(kind.rawValue)"), .name(field), .value(value)) {
                if let own { icon(own) }
                span { text }
            }
        } else {
            button(.class("button \(kind.rawValue)")) {
                if let own { icon(own) }
                span { text }
            }
        }
    }
}

/// A form that changes something: it carries the session's token and stays in the organisation.
func postForm(
    _ action: Location, _ context: PageContext, class names: String = "", @HTMLBuilder content: () -> HTML
) -> HTML {
    form(.class(names), .method(.post), .action(action)) {
        input(.type(.hidden), .name("csrf"), .value(context.csrf))
        content()
    }
}

/// A form that only asks: its fields go into the address.
func getForm(
    _ action: Location, _ context: PageContext, class names: String = "", @HTMLBuilder content: () -> HTML
) -> HTML {
    form(.class(names), .method(.get), .action(action)) {
        context.organisationQuery.map { input(.type(.hidden), .name($0.name), .value($0.value)) }
        content()
    }
}

/// A labelled field with a hint and what is wrong with it.
struct Field {
    var name: String
    var label: String
    var type: InputType = .text
    var value = ""
    var hint = ""
    var error = ""
    var placeholder = ""
    var autocomplete: Autocomplete = .off
    var isRequired = false
    var hasFocus = false
    var maximum = 200
    /// Its id where another field of the page has the same name.
    var id: String?

    var html: HTML {
        let id = id ?? name
        let described = hint.isEmpty && error.isEmpty ? nil : "\(id)-hint"
        return div(.class("field")) {
            HTML.fieldLabel(id, label)
            input(
                .type(type), .id(id), .name(name), .value(value), .class("input"), .placeholder(placeholder),
                .autocomplete(autocomplete), .required(isRequired), .autofocus(hasFocus), .maxlength(maximum),
                .ariaDescribedBy(described), .ariaInvalid(!error.isEmpty), .spellcheck(false))
            if let described {
                p(.id(described), .class(error.isEmpty ? "hint" : "hint error")) {
                    if !error.isEmpty { icon(.warning) }
                    error.isEmpty ? hint : error
                }
            }
        }
    }
}

/// A labelled field of many lines.
struct TextArea {
    var name: String
    var label: String
    var value = ""
    var hint = ""
    var error = ""
    var placeholder = ""
    var rows = 4
    var maximum: Int

    var html: HTML {
        div(.class("field")) {
            HTML.fieldLabel(name, label)
            textarea(
                .id(name), .name(name), .class("input lines"), .rows(rows), .placeholder(placeholder),
                .maxlength(maximum), .ariaDescribedBy("\(name)-hint"), .ariaInvalid(!error.isEmpty), .spellcheck(false)
            ) {
                // The first line break of the element is not part of the text (HTML standard, 13.1.2.5).
                "\n" + value
            }
            p(.id("\(name)-hint"), .class(error.isEmpty ? "hint" : "hint error")) {
                if !error.isEmpty { icon(.warning) }
                error.isEmpty ? hint : error
            }
        }
    }
}

/// A labelled choice of one.
struct Choice {
    var name: String
    var label: String
    var options: [(value: String, label: String)]
    var selected = ""
    var hint = ""

    var html: HTML {
        div(.class("field")) {
            HTML.fieldLabel(name, label)
            select(.id(name), .name(name), .class("input"), .ariaDescribedBy(hint.isEmpty ? nil : "\(name)-hint")) {
                options.map { choice in
                    option(.value(choice.value), .selected(choice.value == selected)) { choice.label }
                }
            }
            if !hint.isEmpty { p(.id("\(name)-hint"), .class("hint")) { hint } }
        }
    }
}

extension HTML {
    fileprivate static func fieldLabel(_ name: String, _ text: String) -> HTML {
        label(.for(name)) { text }
    }
}

/// A message in the flow of a page.
func noticeBox(_ notice: Notice, action: HTML = .empty) -> HTML {
    div(.class("notice tone-\(notice.tone.rawValue)"), .role(notice.tone == .critical ? "alert" : "status")) {
        icon(notice.tone.icon)
        div {
            strong { notice.title }
            if !notice.text.isEmpty { p { notice.text } }
            if !action.isEmpty { div(.class("actions")) { action } }
        }
    }
}

/// A titled part of a page.
func card(
    _ title: String, id: String, note: HTML = .empty, action: HTML = .empty, class names: String = "",
    @HTMLBuilder content: () -> HTML
) -> HTML {
    // Fields have the plain names as their ids.
    section(.class("card \(names)"), .ariaLabelledBy("card-\(id)")) {
        header(.class("card-head")) {
            h2(.id("card-\(id)")) { title }
            if !note.isEmpty { span(.class("note")) { note } }
            if !action.isEmpty { div(.class("card-action")) { action } }
        }
        content()
    }
}

/// Text to copy: a command or a secret. The button is there only where script runs.
func copyable(_ text: String, label name: String) -> HTML {
    div(.class("copyable")) {
        pre(.tabindex(0), .role("region"), .ariaLabel(name)) { code { text } }
        button(.class("button quiet copy"), .type("button"), .data(.copy, text), .hidden()) {
            icon(.copy)
            span { "Copy" }
        }
    }
}

/// What stands where there is nothing.
func emptyState(_ own: Icon, _ title: String, _ text: String, action: HTML = .empty) -> HTML {
    div(.class("empty")) {
        span(.class("empty-icon")) { icon(own) }
        p(.class("empty-title")) { title }
        p { text }
        if !action.isEmpty { div(.class("actions")) { action } }
    }
}

/// Names with what is known of each.
func facts(_ rows: [(name: String, value: HTML)]) -> HTML {
    dl(.class("facts")) {
        rows.map { row in
            div {
                dt { row.name }
                dd { row.value }
            }
        }
    }
}

/// Ways to look at one thing.
func tabs(_ label: String, _ tabs: [(title: String, count: Int?, location: Location, isCurrent: Bool)]) -> HTML {
    nav(.class("tabs"), .ariaLabel(label)) {
        ul {
            tabs.map { tab in
                li {
                    a(.href(tab.location), .ariaCurrent(tab.isCurrent ? .page : nil)) {
                        tab.title
                        if let number = tab.count { span(.class("tab-count")) { grouped(number) } }
                    }
                }
            }
        }
    }
}

/// Where a page is.
func breadcrumbs(_ places: [(title: String, location: Location)], _ last: String) -> HTML {
    nav(.class("crumbs"), .ariaLabel("Breadcrumb")) {
        ol {
            places.map { place in li { a(.href(place.location)) { place.title } } }
            li(.ariaCurrent(.page)) { bdi { last } }
        }
    }
}

/// The head of a page: its name, what it says at a glance, and what can be done.
func pageHead(_ title: String, lead: HTML = .empty, actions: HTML = .empty) -> HTML {
    header(.class("page-head")) {
        div {
            h1 { bdi { title } }
            if !lead.isEmpty { p(.class("lead")) { lead } }
        }
        if !actions.isEmpty { div(.class("actions")) { actions } }
    }
}

/// A part of a whole, in a bar.
struct Share {
    var tone: Tone
    var label: String
    var count: Int
    var location: Location?
}

/// Parts of a whole: a bar, and the same as a list with numbers and links.
func proportions(_ title: String, _ shares: [Share]) -> HTML {
    let total = max(1, shares.reduce(0) { $0 + $1.count })
    var offset = 0.0
    var pieces: [HTML] = []
    for share in shares where share.count > 0 {
        let width = Double(share.count) / Double(total) * 1000
        pieces.append(
            rect(
                .class("fill-\(share.tone.rawValue)"), .x(offset), .y(0), .width(max(2, width - 3)), .height(12)))
        offset += width
    }
    return div(.class("proportions")) {
        svg(.viewBox(1000, 12), .preserveAspectRatio("none"), .ariaHidden(), .focusable(false)) { pieces }
        ul(.ariaLabel(title)) {
            shares.map { share in
                li(.class("tone-\(share.tone.rawValue)")) {
                    icon(share.tone.icon)
                    HTML.maybeLink(share.location) {
                        strong { grouped(share.count) }
                        " "
                        share.label
                    }
                }
            }
        }
    }
}

/// How much of a whole: a thin bar beside its number.
func meter(_ part: Int, of whole: Int, tone: Tone) -> HTML {
    let width = whole > 0 ? min(100, Double(part) / Double(whole) * 100) : 0
    return svg(.class("meter"), .viewBox(100, 6), .preserveAspectRatio("none"), .ariaHidden(), .focusable(false)) {
        rect(.class("meter-ground"), .width(100), .height(6), .rx(3))
        if part > 0 { rect(.class("fill-\(tone.rawValue)"), .width(max(3, width)), .height(6), .rx(3)) }
    }
}

extension HTML {
    static func maybeLink(_ location: Location?, @HTMLBuilder content: () -> HTML) -> HTML {
        guard let location else { return span(content: content) }
        return a(.href(location), content: content)
    }
}
