/// The agent's own version.
public enum AgentVersion {
    /// As it is reported to the server.
    public static let text = "0.1.0"
}
