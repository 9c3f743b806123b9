/// The host that changes: this machine, or a throw-away root of a test.
public struct ChangeRoot: Sendable, Hashable {
    /// Its root as a folder of this machine: `/`, or where a test's root is mounted.
    public var path: String
    /// What stands in front of a command to run it there: empty for this machine, `["chroot", path]` for a tree.
    public var enter: [String]

    /// A root and the way into it.
    public init(path: String, enter: [String]) {
        self.path = path
        self.enter = enter
    }

    /// This machine.
    public static let host = ChangeRoot(path: "/", enter: [])

    /// Its files.
    var tree: FileTree { FileTree(root: path) }

    /// A path of the host as this machine opens it.
    func outside(_ inside: String) -> String { tree.name(String(inside.drop { $0 == "/" })) }
}
