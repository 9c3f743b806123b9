public import Glibc

/// Whom the network process becomes: nobody that owns anything else on the host.
public struct UnprivilegedUser: Hashable, Sendable {
    /// The user id.
    public var uid: uid_t
    /// The group id.
    public var gid: gid_t

    /// The name looked for.
    public static let name = "fettle-agent"
    /// Used where there is no such user: the kernel's overflow ids, which own no files.
    public static let nobody = UnprivilegedUser(uid: 65_534, gid: 65_534)

    /// The user named ``name`` in the text of `/etc/passwd` (passwd(5)), else ``nobody``.
    ///
    /// The file is parsed here: getpwnam would ask the name-service modules. An entry with id 0 is not taken.
    public static func find(inPasswd text: String) -> UnprivilegedUser {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 4, fields[0] == name, let uid = uid_t(fields[2]), let gid = gid_t(fields[3]),
                uid > 0, gid > 0
            else { continue }
            return UnprivilegedUser(uid: uid, gid: gid)
        }
        return nobody
    }

    /// The user of this host.
    public static func find() -> UnprivilegedUser {
        let etc = try? DurableFolder("/etc", create: false)
        let bytes = try? etc?.read("passwd", limit: 4 << 20)
        return find(inPasswd: String(decoding: bytes ?? [], as: UTF8.self))
    }

    /// Gives up root for good: groups, group, user, and the right to gain rights again.
    ///
    /// - Throws: ``SystemError``; the process must end then.
    public func become() throws(SystemError) {
        // Called by root, setgid and setuid change the real, effective and saved id (setuid(2)).
        guard setgroups(0, nil) == 0 else { throw SystemError("drop the groups for", "user \(uid)") }
        guard setgid(gid) == 0 else { throw SystemError("become", "group \(gid)") }
        guard setuid(uid) == 0 else { throw SystemError("become", "user \(uid)") }
        guard SystemCalls.forbidNewPrivileges() else { throw SystemError("forbid new privileges to", "user \(uid)") }
        // If any of it had silently not happened, root could be had back.
        guard setuid(0) != 0 else { throw SystemError("give up root for", "user \(uid)", code: EPERM) }
    }
}
