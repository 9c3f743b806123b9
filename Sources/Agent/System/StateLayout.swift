import Glibc

/// Where the agent keeps what it must not forget.
///
/// `network/` belongs to the unprivileged user, `executor/` to root; neither process needs the other's.
public struct StateLayout: Hashable, Sendable {
    /// The folder of both.
    public let path: String
    /// Where it is unless told otherwise.
    public static let standard = "/var/lib/fettle-agent"

    /// The layout below that folder.
    public init(_ path: String) { self.path = path }

    /// What belongs to the network process.
    public var network: String { "\(path)/network" }
    /// What belongs to the executor.
    public var executor: String { "\(path)/executor" }

    /// Makes the folders with their owners where they are absent. Called as root it also corrects them.
    public func prepare(for user: UnprivilegedUser) throws(SystemError) {
        for folder in [path, network, executor] {
            guard mkdir(folder, folder == path ? 0o755 : 0o700) == 0 || errno == EEXIST else {
                throw SystemError("make the folder", folder)
            }
        }
        guard geteuid() == 0 else { return }
        guard chown(network, user.uid, user.gid) == 0, chmod(network, 0o700) == 0 else {
            throw SystemError("give away the folder", network)
        }
        guard chown(executor, 0, 0) == 0, chmod(executor, 0o700) == 0, chmod(path, 0o755) == 0 else {
            throw SystemError("keep the folder", executor)
        }
    }

    /// Makes the folders, goes into `network` and gives up root, where the process has it.
    ///
    /// The folder is entered before, because the way to it may be closed to the unprivileged user; names in it are
    /// relative from then on.
    public func enterNetworkFolder() throws(SystemError) -> DurableFolder {
        let user = UnprivilegedUser.find()
        try prepare(for: user)
        guard chdir(network) == 0 else { throw SystemError("enter", network) }
        umask(0o077)
        if geteuid() == 0 { try user.become() }
        return try DurableFolder(".", create: false)
    }
}
