import HTML

/// A column of a table.
struct Column<Row> {
    var title: String
    /// Numbers stand to the right, digits below digits.
    var isNumber = false
    /// The one that names the row.
    var isName = false
    /// Only for wide screens and stacked rows.
    var isMinor = false
    /// Its title need not be seen.
    var hidesTitle = false
    /// Where sorting by it leads, and how it is sorted now.
    var sort: (location: Location, state: AriaSort?)?
    var cell: (Row) -> HTML

    init(
        _ title: String, isNumber: Bool = false, isName: Bool = false, isMinor: Bool = false, hidesTitle: Bool = false,
        sort: (location: Location, state: AriaSort?)? = nil, @HTMLBuilder cell: @escaping (Row) -> HTML
    ) {
        self.title = title
        self.isNumber = isNumber
        self.isName = isName
        self.isMinor = isMinor
        self.hidesTitle = hidesTitle
        self.sort = sort
        self.cell = cell
    }

    fileprivate var classes: String {
        [isNumber ? "number" : "", isMinor ? "minor" : "", isName ? "name" : ""].filter { !$0.isEmpty }
            .joined(separator: " ")
    }
}

/// Rows under columns; on a narrow screen every row becomes a block of named values.
func dataTable<Row>(
    _ title: String, _ columns: [Column<Row>], _ rows: [Row], class names: String = "",
    isSelectable: ((Row) -> Location?)? = nil
) -> HTML {
    table(.class("data \(names)")) {
        caption(.class("unseen")) { title }
        thead {
            tr {
                columns.map { column in
                    th(.class(column.classes), .scope("col"), .ariaSort(column.sort?.state)) {
                        columnHead(column)
                    }
                }
            }
        }
        tbody {
            rows.map { row in
                tr(.data(.row)) {
                    columns.map { column in cell(column, row) }
                }
            }
        }
    }
}

private func columnHead<Row>(_ column: Column<Row>) -> HTML {
    if let sort = column.sort {
        return a(.class("sort"), .href(sort.location)) {
            column.title
            switch sort.state {
            case .ascending: icon(.up)
            case .descending: icon(.down)
            case nil: HTML.empty
            }
        }
    }
    return span(.class(column.hidesTitle ? "unseen" : "")) { column.title }
}

private func cell<Row>(_ column: Column<Row>, _ row: Row) -> HTML {
    let content = column.cell(row)
    if column.isName {
        return th(.class(column.classes), .scope("row")) { content }
    }
    return td(
        .class(content.isEmpty ? "\(column.classes) nothing" : column.classes),
        .data(.label, column.hidesTitle ? "" : column.title)
    ) {
        content
    }
}

/// The way to the next rows, and how many there are.
func pager(shown: Int, total: Int?, one: String, many: String? = nil, next: Location?, first: Location?) -> HTML {
    nav(.class("pager"), .ariaLabel("Pages")) {
        p(.class("note")) {
            if let total { "\(grouped(shown)) of \(count(total, one, many))" } else { count(shown, one, many) }
        }
        if let first { linkButton("First page", first, .quiet) }
        if let next {
            a(.class("button plain"), .href(next), .rel("next")) {
                span { "Next page" }
                icon(.chevron)
            }
        }
    }
}
