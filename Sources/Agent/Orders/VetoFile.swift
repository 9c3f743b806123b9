import Glibc
public import Inventory

extension HostTree {
    /// Where the host's administrator writes what nobody may do.
    public static let vetoPath = "/etc/fettle-agent/veto"

    /// What the veto file forbids. No file forbids nothing; one that is there and cannot be read forbids everything.
    public func veto() -> HostVeto {
        do {
            return HostVeto(text: try bytes(Self.vetoPath, limit: HostVeto.maximumBytes))
        } catch {
            var status = stat()
            // A dangling link is somebody's veto that went astray, not the absence of one.
            if error.number == ENOENT, lstat(path(Self.vetoPath), &status) != 0, errno == ENOENT { return HostVeto() }
            return HostVeto([.nothing], problem: "cannot be read: \(HostTreeError.text(of: error.number))")
        }
    }
}
