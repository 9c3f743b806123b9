/// Lets content be written as statements: elements, strings, `if`, `switch` and `for`.
@resultBuilder public enum HTMLBuilder {
    public static func buildExpression(_ piece: HTML) -> HTML { piece }
    public static func buildExpression(_ piece: HTML?) -> HTML { piece ?? .empty }
    public static func buildExpression(_ text: String) -> HTML { HTML(text) }
    public static func buildExpression(_ pieces: [HTML]) -> HTML { HTML(pieces) }
    public static func buildBlock(_ pieces: HTML...) -> HTML { HTML(pieces) }
    public static func buildOptional(_ piece: HTML?) -> HTML { piece ?? .empty }
    public static func buildEither(first piece: HTML) -> HTML { piece }
    public static func buildEither(second piece: HTML) -> HTML { piece }
    public static func buildArray(_ pieces: [HTML]) -> HTML { HTML(pieces) }
}
