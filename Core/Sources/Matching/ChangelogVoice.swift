import Feeds

/// What the changelog of an offered version says, as evidence of a class of its own below every feed.
extension Voice {
    /// The source's name in ``source``.
    public static let changelogSource = "changelog"

    /// A changelog's word: the version above is said to close the vulnerability.
    ///
    /// - Parameters:
    ///   - package: the source package.
    ///   - installed: its installed version.
    ///   - closedIn: the version whose entry closes it.
    ///   - candidate: the offered version.
    ///   - reason: who has read it.
    ///   - overruled: why it did not decide; empty where it did.
    public static func changelog(
        of package: String, stream: String, installed: String, closedIn: String, candidate: String, reason: String,
        overruled: String
    ) -> Voice {
        Voice(
            source: changelogSource, record: "\(package) \(candidate)", stream: stream, kind: .source, name: package,
            version: installed, verdict: .affected, rule: .belowFix, lower: nil, upper: closedIn, fixed: closedIn,
            plan: .none, reason: reason, channel: "", modified: nil, feedDate: nil, overruled: overruled)
    }
}

extension Finding {
    /// A finding that rests on a changelog alone: no feed speaks of the package.
    public static func fromChangelog(_ vulnerability: String, fixed: String, _ voice: Voice) -> Finding {
        Finding(
            vulnerability: vulnerability, ids: [vulnerability], verdict: .affected, fixed: fixed, plan: .none,
            severity: .unknown, summary: "", isWeak: true, isDisputed: false, isInformational: false,
            reason: voice.reason, voices: [voice])
    }
}
