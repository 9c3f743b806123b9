/// Steele, Lea and Flood's SplitMix64: small, fast, and the same everywhere. One stream a component, so that a draw more in one
/// does not move the others.
public struct SplitMix64: Sendable {
    private var state: UInt64

    /// A stream of its own for that component of that run.
    public init(seed: UInt64, component: String) {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in component.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ hash
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number from 0 up to `bound`, which must be positive.
    public mutating func below(_ bound: Int64) -> Int64 { Int64(next() % UInt64(bound)) }

    /// Whether something that happens so often in a thousand happens now.
    public mutating func chance(_ perMille: Int64) -> Bool { below(1000) < perMille }
}
