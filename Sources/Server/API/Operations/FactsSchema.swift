import Inventory

/// How a host's facts look in the document: as ``HostFacts`` writes them.
enum FactsSchema {
    private static let texts: Schema = .array(.anyText)

    static let operatingSystem: Schema = .object([
        .required("id", .anyText), .required("versionID", .anyText), .required("codename", .anyText),
        .required("name", .anyText, "For people: Debian GNU/Linux 12 (bookworm)."),
    ])

    private static let kernel: Schema = .object([
        .required("running", .anyText), .required("runningVersion", .anyText), .required("flavour", .anyText),
        .required(
            "installed",
            .array(
                .object([
                    .required("package", .anyText), .required("release", .anyText), .required("version", .anyText),
                ])), "The newest last."),
    ])

    /// The verdict of a host's own record.
    static let reboot: Schema = .object([
        .required("required", .boolean),
        .required(
            "reasons",
            .array(.object([.required("kind", .oneOf(RebootReason.Kind.self)), .required("evidence", .anyText)]))),
        .required("proof", texts, "What was looked at."),
    ])

    /// The verdict in lists: kinds of reasons only.
    static let rebootSummary: Schema = .object([
        .required("required", .boolean), .required("reasons", .array(.oneOf(RebootReason.Kind.self))),
    ])

    static let restarts: Schema = .array(
        .object([
            .required("kind", .oneOf(RestartNeed.Kind.self)), .required("name", .anyText), .required("user", .anyText),
            .required("processes", texts), .required("files", texts, "What they still use and is gone."),
        ]))

    private static let packages: Schema = .object([
        .required(
            "abnormal",
            .array(
                .object([
                    .required("package", .anyText), .required("version", .anyText), .required("state", .anyText),
                    .required("needsReinstall", .boolean),
                ])), "Packages that are not simply installed."),
        .required("holds", texts), .required("residualConfiguration", texts),
        .required("manuallyInstalled", .fact(texts)), .required("interruptedTransaction", .boolean),
        .required("lastUpdate", .fact(.time), "When the indexes were last fetched."),
        .required(
            "indexProblems",
            .array(
                .object([
                    .required("kind", .oneOf(IndexProblem.Kind.self)), .required("subject", .anyText),
                    .required("detail", .anyText),
                ]))), .required("repositoriesConfigured", .count),
    ])

    private static let disks: Schema = .array(
        .object([
            .required("mountPoint", .anyText), .required("device", .anyText), .required("filesystem", .anyText),
            .required("totalBytes", .count), .required("freeBytes", .count, "Rounded."),
            .required("totalInodes", .count), .required("freeInodes", .count, "Rounded."),
            .required("boot", .boolean), .required("readOnly", .boolean),
        ]))

    private static let hardware: Schema = .object([
        .required("vendor", .anyText), .required("product", .anyText), .required("firmwareVersion", .anyText),
        .required("firmwareDate", .anyText), .required("serial", .fact(.anyText)),
        .required("productUUID", .fact(.anyText)),
    ])

    static let component = Schema.Component(
        "HostFacts",
        .object([
            .required("edition", .count), .required("agentVersion", .anyText),
            .required("operatingSystem", .fact(operatingSystem)), .required("hostname", .fact(.anyText)),
            .required("kernel", .fact(kernel)), .required("bootID", .fact(.anyText)),
            .required("reboot", .fact(reboot)), .required("packages", .fact(packages)),
            .required("offers", .fact(.count)), .required("restarts", .fact(restarts)),
            .required("disks", .fact(disks)),
            .required(
                "memory", .fact(.object([.required("totalBytes", .count), .required("availableBytes", .count)]))),
            .required("processors", .fact(.object([.required("count", .count), .required("model", .anyText)]))),
            .required(
                "clock",
                .fact(
                    .object([.required("synchronised", .boolean), .optional("maximumErrorMilliseconds", .count)]))),
            .required("virtualisation", .fact(.anyText)), .required("container", .fact(.anyText)),
            .required("timeZone", .fact(.anyText)),
            .required(
                "addresses",
                .fact(
                    .array(
                        .object([
                            .required("interface", .anyText), .required("address", .anyText),
                            .required("prefix", .integer(0...128)),
                        ])))), .required("hardware", .fact(hardware)),
            .required(
                "veto",
                .fact(
                    .object([
                        .required("words", .array(.oneOf(HostVeto.Word.self))),
                        .required("problem", .anyText, "Why everything is forbidden though nobody wrote so."),
                    ])), "What the host's own administrator forbids, whoever orders it."),
            .required(
                "snapshot",
                .fact(
                    .object([
                        .required("kind", .oneOf(SnapshotFacts.Kind.self)),
                        .required("why", .anyText, "What was found on the host."),
                    ])), "What its file system can have as a snapshot before a change."),
        ]))
}
