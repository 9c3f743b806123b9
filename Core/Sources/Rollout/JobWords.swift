extension JobPhase {
    /// What a host does in that phase, for a person.
    public var words: String {
        switch self {
        case .received: "has its order"
        case .prefetch: "fetches packages"
        case .waitWindow: "waits for its window and its permit"
        case .confirm: "asks whether the campaign still runs"
        case .preflight: "checks whether the host may change"
        case .preScript: "runs a script before the change"
        case .quiesce: "stops services"
        case .snapshot: "makes a snapshot"
        case .mutateIntent: "begins to change packages"
        case .apply: "changes packages"
        case .repair: "mends the package database"
        case .postScript: "runs a script after the change"
        case .restart: "restarts services"
        case .reboot: "reboots"
        case .postBoot: "looks at the new boot"
        case .health: "asks the health checks"
        case .rescan: "proves the result by a fresh scan"
        case .rollback: "takes the packages back"
        case .rollbackReboot: "reboots into what was before"
        case .rollbackVerify: "proves that the host is as before"
        case .commit: "has ended"
        }
    }
}

extension JobOutcome {
    /// One sentence for a person: what happened, what state the host is in, what to do.
    ///
    /// - Parameter reason: why it ended so; may be empty.
    public func sentence(because reason: String) -> String {
        var why = reason
        while why.hasSuffix(".") { why.removeLast() }
        let because = why.isEmpty ? "" : ": \(why)"
        return switch self {
        case .succeeded:
            "succeeded: the ordered versions are in, and a fresh scan and the checks after the last boot prove it."
        case .installedRebootPending:
            "installed the ordered versions, but a reboot is due and was not made\(because). Reboot the host; the next scan "
                + "completes the job."
        case .failedNoChange:
            "failed before anything changed\(because). The host is as it was; correct that and run the campaign again."
        case .failedChanged:
            "failed\(because). What was changed stays, because the plan does not roll back; look at the host."
        case .rolledBack: "failed and was taken back\(because). A fresh scan proves that the host is as it was before."
        case .rollbackFailed:
            "failed, and going back failed too\(because). The host is neither as before nor as ordered; look at its log and mend it."
        case .needsRepair: "left the host in need of repair\(because). Look at dpkg --audit and the job's log."
        case .refused: "was refused\(because). Nothing was changed."
        case .expired:
            "did not begin before its window ended\(because). Nothing was changed; it is offered again with the next window."
        case .cancelled: "was cancelled before it began\(because). Nothing was changed."
        }
    }
}
