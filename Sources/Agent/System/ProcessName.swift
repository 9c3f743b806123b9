/// What the host's own tools know the agent's processes by.
public enum ProcessName {
    /// Names this process `fettle-agent`.
    ///
    /// The agent starts itself by way of `/proc/self/exe`, and the kernel takes a process's name from the last part of that
    /// path: without this `ps -C`, `pgrep` and `pkill fettle-agent` find none of its processes.
    public static func take() { SystemCalls.setName("fettle-agent") }
}
