import Glibc

/// Starts the host anew.
protocol HostRestart: Sendable {
    /// Asks for it; nil where the request was taken, else why not. The host is expected to go down afterwards.
    func reboot(reason: String) -> String?
}

/// `systemctl reboot`; or the command of a file, for hosts that know another way (containers, test beds).
struct SystemRestart: HostRestart {
    /// Run instead of `systemctl reboot` where it exists, belongs to root and only root can write it.
    static let commandFile = "/etc/fettle-agent/reboot-command"

    func reboot(reason: String) -> String? {
        let command: [String]
        var status = stat()
        if lstat(Self.commandFile, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == 0, status.st_mode & 0o022 == 0 else {
                return "\(Self.commandFile) must be a file that belongs to root and that only root can write"
            }
            command = [Self.commandFile]
        } else {
            guard access("/run/systemd/system", F_OK) == 0 else {
                return "systemd does not run on this host, and there is no \(Self.commandFile)"
            }
            command = ["systemctl", "reboot", "--message", reason]
        }
        let run = BoundedRun(command: command, timeout: 60).run()
        return run.end.isSuccess ? nil : "\(command.joined(separator: " ")): \(run.end.text) \(run.lastLine)"
    }
}
