import Glibc

/// How apt and dpkg are called, so that they never ask, never use the network by themselves and never remove silently.
enum AptCommand {
    /// The environment of every run.
    static let environment = [
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root", "TERM": "dumb",
        "DEBIAN_FRONTEND": "noninteractive", "DEBCONF_NONINTERACTIVE_SEEN": "true",
        // Their hooks would restart, ask or list on their own.
        "NEEDRESTART_MODE": "l", "APT_LISTCHANGES_FRONTEND": "none", "APT_LISTBUGS_FRONTEND": "none",
        // Configuration files under ucf's care are kept as dpkg keeps its own.
        "UCF_FORCE_CONFFOLD": "1",
    ]

    /// Caches in memory only: neither a question nor a run over files of our own leaves a cache behind.
    static let privateCaches = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="]

    /// Questions: nothing is locked or written.
    static let question =
        ["apt-get", "-s", "-q", "--no-install-recommends"]
        + options([
            "Debug::NoLocking=true", "APT::Get::Show-User-Simulation-Note=false", "APT::Get::AutomaticRemove=false",
            "APT::Get::Always-Include-Phased-Updates=true",
        ]) + privateCaches

    /// No repository at all: what is not given as a file cannot be installed, so nothing is resolved anew.
    static let withoutRepositories = options([
        "Dir::Etc::SourceList=/dev/null", "Dir::Etc::SourceParts=/dev/null",
    ])

    /// Configuration files that were changed by hand are kept; the package's own is left beside them.
    static let configurationFiles = ["--refuse-confnew", "--refuse-confask", "--force-confdef", "--force-confold"]

    /// A run over files: `apt-get … install FILE…`.
    static func run(lockWait: Int, downgrades: Bool) -> [String] {
        ["apt-get", "-y", "-q", "--no-install-recommends"] + (downgrades ? ["--allow-downgrades"] : ["--no-remove"])
            + options([
                "APT::Get::AutomaticRemove=false", "Dpkg::Use-Pty=0", "DPkg::Lock::Timeout=\(lockWait)",
                "APT::Status-Fd=3",
            ]) + configurationFiles.flatMap { ["-o", "Dpkg::Options::=\($0)"] } + withoutRepositories + privateCaches
            + ["install"]
    }

    /// dpkg with its own status lines.
    static let dpkg = ["dpkg", "--status-fd", "3"] + configurationFiles

    private static func options(_ list: [String]) -> [String] { list.flatMap { ["-o", $0] } }
}

extension ChangeRoot {
    /// Runs a short command there, to its end.
    func run(
        _ command: [String], in folder: String? = nil, seconds: Int = 120
    ) throws(ChildProcess.Failure) -> ChildProcess.Result {
        var command = command
        if let folder { command = ["sh", "-c", "cd \"$0\" && exec \"$@\"", folder] + command }
        return try ChildProcess.run(enter + command, environment: AptCommand.environment, timeoutSeconds: seconds)
    }
}

extension ChildProcess.Result {
    /// The lines of both streams, without blanks around them.
    var lines: [String] {
        (output + [0x0A] + errors).split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self).trimmed }
    }
}
