import HTTPTypes
import Hummingbird

/// What every answer to a browser carries, errors too (ASVS 5.0, V3.4).
enum SecurityHeaders {
    private static let fixed: [(HTTPField.Name, String)] = [
        (
            HTTPField.Name(validated: "Content-Security-Policy"),
            """
            default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
            form-action 'self'; frame-ancestors 'none'; base-uri 'none'
            """
        ),
        (HTTPField.Name(validated: "Strict-Transport-Security"), "max-age=63072000; includeSubDomains"),
        (HTTPField.Name(validated: "X-Content-Type-Options"), "nosniff"),
        // For browsers that do not know frame-ancestors.
        (HTTPField.Name(validated: "X-Frame-Options"), "DENY"),
        (HTTPField.Name(validated: "Referrer-Policy"), "no-referrer"),
        (
            HTTPField.Name(validated: "Permissions-Policy"),
            "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()"
        ),
        (HTTPField.Name(validated: "Cross-Origin-Opener-Policy"), "same-origin"),
        (HTTPField.Name(validated: "Cross-Origin-Resource-Policy"), "same-origin"),
    ]

    /// Adds them. A route may only say for itself how long its answer may be kept: style sheets may, nothing else does.
    static func add(to headers: inout HTTPFields) {
        for (name, value) in fixed { headers[name] = value }
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
    }
}
