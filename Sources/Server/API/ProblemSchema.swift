/// How problems look in the document (RFC 9457, with `cure` and `errors`).
enum ProblemSchema {
    static let component = Schema.Component(
        "Problem",
        .object([
            .required("type", .anyText, "Names the kind for programs: urn:fettle:problem:…"),
            .required("title", .anyText, "The kind in a few words."),
            .required("status", .integer(400...599), "The HTTP status."),
            .required("detail", .anyText, "What happened, in this case."),
            .required("cure", .anyText, "What to do next."),
            .optional("pointer", .anyText, "The place in the request's body, as a JSON pointer (RFC 6901)."),
            .optional("instance", .anyText, "Names the request: urn:fettle:request:… and its X-Request-Id."),
            .optional("errors", .array(fault), "All that is wrong, place by place."),
        ]))

    private static let fault: Schema = .object([
        .optional("pointer", .anyText, "The place in the body, as a JSON pointer."),
        .optional("parameter", .anyText, "The parameter: its place and name."),
        .required("detail", .anyText, "What is wrong."),
        .required("cure", .anyText, "What would be right."),
    ])
}
