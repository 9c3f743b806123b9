import Wire

/// What this room refuses with. None of them tells whether a user exists to somebody who is not signed in.
extension Problem {
    static let tokenRefused = Problem(
        "token-refused", title: "The API token is not valid", status: 401,
        detail: "It is mistyped, expired or revoked, or its owner is shut out.",
        cure: "Copy the token whole, or make a new one under Account.")

    static let notAllowed = Problem(
        "not-allowed", title: "You may not do this", status: 403, detail: "None of your roles allows it there.",
        cure: "Ask an admin for the role that does; docs/people.md lists what each role may do.")

    static let crossSite = Problem(
        "cross-site", title: "The request comes from another site", status: 403,
        detail: "The browser says that a page of another origin made this request.",
        cure: "Open Fettle itself and do it there.")

    static let sessionRequired = Problem(
        "session-required", title: "This needs a browser's session", status: 403,
        detail: "Passwords and second factors are changed by the person themselves, logged in with a browser.",
        cure: "Log in at /login and open Account.")

    static func personRequired(_ detail: String) -> Problem {
        Problem(
            "person-required", title: "This needs a person", status: 403, detail: detail,
            cure: "Log in as a person at /login and do it there.")
    }

    static func slowDown(_ seconds: Int) -> Problem {
        Problem(
            "slow-down", title: "Too many attempts", status: 429,
            detail: "Wait \(seconds) seconds before the next attempt.",
            cure: "Wait as Retry-After says; if you are locked out, the server's operator runs: fettle login-link.")
    }

    static let passwordsBusy = Problem(
        "busy", title: "Many people log in just now", status: 503,
        detail: "More passwords wait to be checked than the server takes at once.", cure: "Wait as Retry-After says.")

    static let loginRefused = Problem(
        "login-refused", title: "Name, password or code is wrong", status: 401,
        detail: "They do not fit together, or the account is shut out.",
        cure: "Try again; if you are locked out, the server's operator runs: fettle login-link.")

    static let codeRequired = Problem(
        "code-required", title: "A code is needed too", status: 401,
        detail: "The password is right; the account has a second factor.",
        cure: "Send the code of the app, or a recovery code, as code.", pointer: "/code")

    static let codeWrong = Problem(
        "code-wrong", title: "The code is wrong", status: 422,
        detail: "It is not the code of now, or it was used before.",
        cure: "Wait for the app's next code; check that the clocks of phone and server are right.", pointer: "/code")

    static let secondFactorIsOn = Problem(
        "second-factor-on", title: "The second factor is on already", status: 409,
        detail: "A secret is in use.", cure: "Turn it off first to set it up anew.")

    static let secondFactorNotBegun = Problem(
        "second-factor-not-begun", title: "Nothing is to be confirmed", status: 409,
        detail: "No secret was proposed, or another browser has confirmed it.", cure: "Begin the set-up again.")

    static let passwordWrong = Problem(
        "password-wrong", title: "The current password is wrong", status: 422, detail: "It does not fit.",
        cure: "Type the password that you log in with.", pointer: "/current")

    static func passwordUnfit(_ fault: String) -> Problem {
        Problem(
            "password-unfit", title: "The password cannot be used", status: 422, detail: "As a new password, \(fault).",
            cure: "Choose another: several words that have nothing to do with each other are long and easy.",
            pointer: "/password")
    }

    static func field(_ name: String, _ fault: String, cure: String) -> Problem {
        Problem(
            "invalid", title: "A field is wrong", status: 422, detail: "\(name): \(fault).", cure: cure,
            pointer: "/\(name)")
    }

    static let nameTaken = Problem(
        "name-taken", title: "The name is taken", status: 409, detail: "Somebody logs in with that name.",
        cure: "Choose another name.", pointer: "/name")

    static let lastAdmin = Problem(
        "last-admin", title: "The last admin stays", status: 409,
        detail: "Nobody else is admin of the installation: without one nobody could make another.",
        cure: "Make somebody else admin of the installation first.")

    static let grantTooWide = Problem(
        "grant-too-wide", title: "Nobody gives more than they have", status: 403,
        detail: "The role, or the place where it would hold, is beyond your own.",
        cure: "Ask an admin of the installation.", pointer: "/grants")

    static let grantExists = Problem(
        "grant-exists", title: "They have it already", status: 409, detail: "The user has the same role there.",
        cure: "Nothing needs to be done.")

    static let versionStale = Problem(
        "version-stale", title: "Somebody changed it meanwhile", status: 412,
        detail: "What you saw is no longer what is stored.", cure: "Load it again and repeat your change.")

    static let tooManyTokens = Problem(
        "too-many-tokens", title: "Too many API tokens", status: 409,
        detail: "A user has at most \(People.maximumTokens) tokens in force.", cure: "Revoke those that nobody uses.")

    static let linkDead = Problem(
        "link-dead", title: "The link is used up", status: 410,
        detail: "A login link works once, and for a short time.",
        cure: "The server's operator makes another: fettle login-link.")

    static let deviceCodeUnknown = Problem(
        "device-code-unknown", title: "Nothing waits with that code", status: 404,
        detail: "It was mistyped, decided on already, or its time is over.",
        cure: "Compare it with the terminal; if it is the same, run fettle login again.", pointer: "/userCode")

    static let tooManyDevices = Problem(
        "slow-down", title: "Too many wait to be let in", status: 429,
        detail: "More programs wait for somebody's approval than the server takes at once.",
        cure: "Wait as Retry-After says.")
}
