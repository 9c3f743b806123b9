import Glibc

/// Space set aside in good times, so that a host with a full disk can still say that its disk is full.
///
/// It lies in the agent's own folder and is given up by the first write that the disk refuses; it is set aside again
/// when there is room.
extension DurableFolder {
    private static let reserve = "reserve"
    /// Holds a scan's three documents and a report, several times over.
    static let reserveBytes = 2 << 20

    /// Sets the space aside where that is not done yet. Without room nothing happens: there is nothing to do about it.
    public func keepReserve() {
        guard !contains(Self.reserve) else { return }
        let fd = open(path(of: Self.reserve), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else { return }
        if posix_fallocate(fd, 0, off_t(Self.reserveBytes)) != 0 { unlink(path(of: Self.reserve)) }
        close(fd)
    }

    /// Gives the space up, here or in the folder above; false where none is left.
    func spendReserve() -> Bool {
        unlink(path(of: Self.reserve)) == 0 || unlink(path(of: "../\(Self.reserve)")) == 0
    }

    /// Writes, and once more with the reserve given up where the disk is full.
    func spendingReserve(_ write: () throws(SystemError) -> Void) throws(SystemError) {
        do {
            try write()
        } catch  where error.code == ENOSPC || error.code == EDQUOT {
            guard spendReserve() else { throw error }
            try write()
        }
    }
}
