import PackageManagers

/// One patching situation: what is ordered, in which surroundings, and how it must end.
struct Situation: Sendable {
    var name: String
    /// What is special about it, for the table.
    var about: String
    var order: [String]
    /// Run by a shell in the root before.
    var setup = ""
    /// Packages of our own, by name, offered besides.
    var published: [String: String] = [:]
    var size = "400m"
    /// What one run may take.
    var seconds = 60
    /// Whether the host is well after the change.
    var isWell = true
    var ending: Trial.Ending
    var code: ChangeRefusal.Code?
    /// `version state` by dpkg-query afterwards.
    var after: [String: String]
    /// Words that the message must have.
    var says: [String] = []
    /// What a person does next.
    var cure: String

    static let all: [Situation] = [
        Situation(
            name: "plain update", about: "`tb-ok` 1.0 to 1.1", order: ["tb-ok=1.1"], ending: .done,
            after: ["tb-ok": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "nothing to do", about: "the host is at the ordered version, or does not have the package",
            order: ["tb-ok=1.0", "tb-twostep-data=1.1"], ending: .nothingToDo,
            after: ["tb-ok": "1.0 installed", "tb-twostep-data": ""], says: ["1 already", "1 not installed"],
            cure: "nothing"),
        Situation(
            name: "version order", about: "`2.0~rc1`, and an epoch whose number looks lower (`1:0.9`)",
            order: ["tb-ok=2.0~rc1", "tb-epoch=1:0.9"], ending: .done,
            after: ["tb-ok": "2.0~rc1 installed", "tb-epoch": "1:0.9 installed"], cure: "nothing"),
        Situation(
            name: "packages tied to each other", about: "`tb-multi-a`, `-b`, `-c` need the same version",
            order: ["tb-multi-a=1.1", "tb-multi-b=1.1", "tb-multi-c=1.1"], ending: .done,
            after: ["tb-multi-a": "1.1 installed", "tb-multi-c": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "only one of those tied", about: "the order names `tb-multi-a` alone", order: ["tb-multi-a=1.1"],
            ending: .refused, code: .outsideOrder,
            after: ["tb-multi-a": "1.0 installed", "tb-multi-b": "1.0 installed"], says: ["tb-multi-b", "tb-multi-c"],
            cure: "order all packages of the source together"),
        Situation(
            name: "an essential package", about: "`tb-essential` is marked Essential", order: ["tb-essential=1.1"],
            ending: .done, after: ["tb-essential": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "a large change log", about: "5 MB of it", order: ["tb-bigchangelog=1.1"], ending: .done,
            after: ["tb-bigchangelog": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "phased update", about: "released to 0 % of hosts; the order overrides it", order: ["tb-phased=1.1"],
            ending: .done, after: ["tb-phased": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "slow script", about: "the postinst takes its time and shows progress", order: ["tb-slow=1.1"],
            setup: "mkdir -p /etc/tb; echo 1 >/etc/tb/slow-seconds", ending: .done, after: ["tb-slow": "1.1 installed"],
            cure: "nothing"),
        Situation(
            name: "a question by debconf", about: "of priority high: answered with its default", order: ["tb-debconf=1.1"],
            ending: .done, after: ["tb-debconf": "1.1 installed"], cure: "preseed another answer, if it is wanted"),
        Situation(
            name: "a script that reads the terminal", about: "it reads the end of input", order: ["tb-tty=1.1"],
            ending: .done, after: ["tb-tty": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "configuration file changed by hand", about: "the package changes it too",
            order: ["tb-conffile=1.1"], setup: "echo mine >>/etc/tb-conffile.conf", ending: .done,
            after: ["tb-conffile": "1.1 installed"], says: ["/etc/tb-conffile.conf"],
            cure: "compare it with the `.dpkg-dist` beside it"),
        Situation(
            name: "asks for a reboot", about: "the postinst writes `/run/reboot-required`", order: ["tb-reboot=1.1"],
            ending: .done, after: ["tb-reboot": "1.1 installed"], cure: "reboot, as the campaign's plan says"),
        Situation(
            name: "a reboot is pending already", about: "from an earlier change", order: ["tb-ok=1.1"],
            setup: "echo x >/run/reboot-required; echo linux-base >/run/reboot-required.pkgs", ending: .notBegun,
            after: ["tb-ok": "1.0 installed"], says: ["reboot", "linux-base"], cure: "reboot first"),
        Situation(
            name: "a new kernel", about: "the meta package brings a package of a new name; both are ordered",
            order: ["linux-image-tb=1.1", "linux-image-99.1.1-tb=1.1"], ending: .done,
            after: ["linux-image-tb": "1.1 installed", "linux-image-99.1.1-tb": "1.1 installed"],
            cure: "reboot, as the campaign's plan says"),
        Situation(
            name: "needs a new package", about: "`tb-twostep` 1.1 needs `tb-twostep-data`, which is not ordered",
            order: ["tb-twostep=1.1"], ending: .refused, code: .outsideOrder,
            after: ["tb-twostep": "1.0 installed", "tb-twostep-data": ""], says: ["tb-twostep-data"],
            cure: "add it to the release set"),
        Situation(
            name: "needs a new package that is ordered", about: "both are in the release set",
            order: ["tb-twostep=1.1", "tb-twostep-data=1.1"], ending: .done,
            after: ["tb-twostep": "1.1 installed", "tb-twostep-data": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "missing dependency", about: "`tb-nodep` 1.1 depends on what no repository has",
            order: ["tb-nodep=1.1"], ending: .refused, code: .unsolvable, after: ["tb-nodep": "1.0 installed"],
            says: ["tb-absent"], cure: "leave it out until its repository is whole"),
        Situation(
            name: "conflict", about: "`tb-conflict` 1.1 would have `tb-victim` removed", order: ["tb-conflict=1.1"],
            ending: .refused, code: .removal, after: ["tb-conflict": "1.0 installed", "tb-victim": "1.0 installed"],
            says: ["tb-victim"], cure: "decide by hand which of both stays"),
        Situation(
            name: "on hold", about: "`apt-mark hold`", order: ["tb-held=1.1"], ending: .refused, code: .held,
            after: ["tb-held": "1.0 installed"], says: ["on hold"], cure: "`apt-mark unhold`, or leave it out"),
        Situation(
            name: "pinned to its version", about: "preferences above 1000", order: ["tb-pinned=1.1"], ending: .refused,
            code: .pinned, after: ["tb-pinned": "1.0 installed"], says: ["preferences"],
            cure: "change the preferences, or leave it out"),
        Situation(
            name: "pinned away", about: "preferences below 0", order: ["tb-never=1.1"], ending: .refused, code: .pinned,
            after: ["tb-never": "1.0 installed"], says: ["preferences"], cure: "change the preferences, or leave it out"),
        Situation(
            name: "pinned to a later suite", about: "2.0 is pinned; the order names it", order: ["tb-later=2.0"],
            ending: .done, after: ["tb-later": "2.0 installed"], cure: "nothing"),
        Situation(
            name: "the host is newer", about: "2.0 was installed from a file; 1.1 is ordered", order: ["tb-newer=1.1"],
            ending: .refused, code: .newerInstalled, after: ["tb-newer": "2.0 installed"], says: ["newer"],
            cure: "make the release set anew"),
        Situation(
            name: "the version is gone", about: "`tb-vanished` 1.1 is in no index (any more)", order: ["tb-vanished=1.1"],
            ending: .refused, code: .unavailable, after: ["tb-vanished": "1.0 installed"], says: ["no repository"],
            cure: "`apt-get update`, or make the release set anew"),
        Situation(
            name: "only configuration is left", about: "`tb-residual` was removed, not purged",
            order: ["tb-residual=1.1"], ending: .nothingToDo, after: ["tb-residual": "1.0 config-files"],
            says: ["1 not installed"], cure: "nothing"),
        Situation(
            name: "wrong hash", about: "the server's file differs from the signed index",
            order: ["tb-badsum=1.1", "tb-ok=1.1"], ending: .notBegun,
            after: ["tb-badsum": "1.0 installed", "tb-ok": "1.0 installed"], says: ["tb-badsum", "hash"],
            cure: "look at the mirror, then run the order again"),
        Situation(
            name: "missing file", about: "the index names a file that the server does not have",
            order: ["tb-gone=1.1", "tb-ok=1.1"], ending: .notBegun,
            after: ["tb-gone": "1.0 installed", "tb-ok": "1.0 installed"], says: ["tb-gone", "404"],
            cure: "look at the mirror, then run the order again"),
        Situation(
            name: "postinst fails", about: "every time", order: ["tb-failpost=1.1", "tb-ok=1.1"], ending: .rolledBack,
            after: ["tb-failpost": "1.0 installed", "tb-ok": "1.0 installed"],
            says: ["tb-failpost", "cannot migrate data"], cure: "wait for a mended version (1.2)"),
        Situation(
            name: "postinst fails once", about: "the second try goes through", order: ["tb-failonce=1.1", "tb-ok=1.1"],
            ending: .doneAfterRepair, after: ["tb-failonce": "1.1 installed", "tb-ok": "1.1 installed"],
            cure: "nothing"),
        Situation(
            name: "preinst fails", about: "the old version stays", order: ["tb-failpre=1.1", "tb-ok=1.1"],
            ending: .rolledBack, after: ["tb-failpre": "1.0 installed", "tb-ok": "1.0 installed"],
            says: ["tb-failpre", "refused"], cure: "leave it out, or mend the package"),
        Situation(
            name: "old prerm fails", about: "dpkg falls back to the new one's", order: ["tb-failprerm=1.1"],
            ending: .done, after: ["tb-failprerm": "1.1 installed"], cure: "nothing"),
        Situation(
            name: "postinst hangs", about: "it is ended after the step's time", order: ["tb-hang=1.1", "tb-ok=1.1"],
            seconds: 3, ending: .rolledBack, after: ["tb-hang": "1.0 installed", "tb-ok": "1.0 installed"],
            says: ["tb-hang"], cure: "leave it out, and report the package"),
        Situation(
            name: "file of another package", about: "`tb-fileclash` 1.1 ships a file of `tb-victim`",
            order: ["tb-fileclash=1.1", "tb-ok=1.1"], ending: .rolledBack,
            after: ["tb-fileclash": "1.0 installed", "tb-ok": "1.0 installed", "tb-victim": "1.0 installed"],
            says: ["tb-fileclash", "tb-victim"], cure: "leave it out, and report the package"),
        Situation(
            name: "a health check fails", about: "`tb-svc` 1.1 installs well and answers 500", order: ["tb-svc=1.1"],
            isWell: false, ending: .rolledBack, after: ["tb-svc": "1.0 installed"],
            cure: "wait for a mended version (1.2)"),
        Situation(
            name: "a service dies", about: "`tb-svcdie` 1.1 installs well and its service ends at once",
            order: ["tb-svcdie=1.1"], isWell: false, ending: .rolledBack, after: ["tb-svcdie": "1.0 installed"],
            cure: "leave it out, and report the package"),
        Situation(
            name: "refuses the way back", about: "`tb-downbad`: the old version cannot read the new one's data",
            order: ["tb-downbad=1.1", "tb-ok=1.1"], isWell: false, ending: .failed,
            after: ["tb-downbad": "1.1 installed", "tb-ok": "1.0 installed"], says: ["tb-downbad"],
            cure: "restore a snapshot of the file system"),
        Situation(
            name: "no way back", about: "`tb-newer` 2.0 was installed from a file that is nowhere any more",
            order: ["tb-newer=3.0", "tb-ok=1.1"],
            published: ["tb-newer": "3.0"],
            isWell: false, ending: .failed, after: ["tb-newer": "3.0 installed", "tb-ok": "1.0 installed"],
            says: ["tb-newer", "no file"], cure: "take snapshots of such hosts: the job says before it begins that there is no way back"),
        Situation(
            name: "disk too small to unpack", about: "`tb-big` takes 40 MB", order: ["tb-big=1.1"],
            setup: "apt-get -qq -y install tb-big=1.0 >/dev/null; apt-get clean",
            size: "80m", ending: .notBegun, after: ["tb-big": "1.0 installed"], says: ["MiB"], cure: "make room"),
    ]
}
