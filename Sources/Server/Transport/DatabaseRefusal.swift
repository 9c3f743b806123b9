import Store

/// The refusal for what the store threw; nil for an error of another kind.
func databaseRefusal(_ error: any Error) -> Refusal? {
    switch error {
    case let error as StoreError:
        switch error.kind {
        case .busy, .serialization: Refusal(.databaseBusy, retryAfter: flattened(10))
        case .connection, .diskFull, .readOnly, .closed:
            Refusal(.databaseUnavailable(), retryAfter: flattened(30))
        default: nil
        }
    case HostError.unknown: Refusal(.hostUnknown)
    case HostError.notActive(_, let status, _):
        switch status {
        case .quarantined: Refusal(.hostQuarantined)
        case .retired: Refusal(.hostRetired)
        default: Refusal(.certificateRevoked)
        }
    default: nil
    }
}
