/// The SHA-256 compression function (FIPS 180-4, section 6.2.2) over `count` consecutive 64-byte blocks.
///
/// The rounds are unrolled sixteen at a time with the eight working variables renamed instead of moved, and the message
/// schedule is a ring of sixteen words: this is what makes the portable form fast enough for feeds.
func compress(_ state: inout SHA256State, blocks: UnsafeRawPointer, count: Int) {
    roundConstants.withUnsafeBufferPointer { k in
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 16) { w in
            for index in 0..<count {
                compress(&state, block: blocks + 64 * index, k: k, w: w)
            }
        }
    }
}

/// The chaining value: the eight words H0...H7 of FIPS 180-4.
struct SHA256State: Sendable {
    var h0: UInt32 = 0x6a09_e667
    var h1: UInt32 = 0xbb67_ae85
    var h2: UInt32 = 0x3c6e_f372
    var h3: UInt32 = 0xa54f_f53a
    var h4: UInt32 = 0x510e_527f
    var h5: UInt32 = 0x9b05_688c
    var h6: UInt32 = 0x1f83_d9ab
    var h7: UInt32 = 0x5be0_cd19
}

@inline(__always)
private func compress(
    _ state: inout SHA256State, block: UnsafeRawPointer, k: UnsafeBufferPointer<UInt32>,
    w: UnsafeMutableBufferPointer<UInt32>
) {
    var a = state.h0
    var b = state.h1
    var c = state.h2
    var d = state.h3
    var e = state.h4
    var f = state.h5
    var g = state.h6
    var h = state.h7

    round(a, b, c, &d, e, f, g, &h, k[0] &+ load(block, w, 0))
    round(h, a, b, &c, d, e, f, &g, k[1] &+ load(block, w, 1))
    round(g, h, a, &b, c, d, e, &f, k[2] &+ load(block, w, 2))
    round(f, g, h, &a, b, c, d, &e, k[3] &+ load(block, w, 3))
    round(e, f, g, &h, a, b, c, &d, k[4] &+ load(block, w, 4))
    round(d, e, f, &g, h, a, b, &c, k[5] &+ load(block, w, 5))
    round(c, d, e, &f, g, h, a, &b, k[6] &+ load(block, w, 6))
    round(b, c, d, &e, f, g, h, &a, k[7] &+ load(block, w, 7))
    round(a, b, c, &d, e, f, g, &h, k[8] &+ load(block, w, 8))
    round(h, a, b, &c, d, e, f, &g, k[9] &+ load(block, w, 9))
    round(g, h, a, &b, c, d, e, &f, k[10] &+ load(block, w, 10))
    round(f, g, h, &a, b, c, d, &e, k[11] &+ load(block, w, 11))
    round(e, f, g, &h, a, b, c, &d, k[12] &+ load(block, w, 12))
    round(d, e, f, &g, h, a, b, &c, k[13] &+ load(block, w, 13))
    round(c, d, e, &f, g, h, a, &b, k[14] &+ load(block, w, 14))
    round(b, c, d, &e, f, g, h, &a, k[15] &+ load(block, w, 15))
    var t = 16
    while t < 64 {
        round(a, b, c, &d, e, f, g, &h, k[t + 0] &+ extend(w, 0))
        round(h, a, b, &c, d, e, f, &g, k[t + 1] &+ extend(w, 1))
        round(g, h, a, &b, c, d, e, &f, k[t + 2] &+ extend(w, 2))
        round(f, g, h, &a, b, c, d, &e, k[t + 3] &+ extend(w, 3))
        round(e, f, g, &h, a, b, c, &d, k[t + 4] &+ extend(w, 4))
        round(d, e, f, &g, h, a, b, &c, k[t + 5] &+ extend(w, 5))
        round(c, d, e, &f, g, h, a, &b, k[t + 6] &+ extend(w, 6))
        round(b, c, d, &e, f, g, h, &a, k[t + 7] &+ extend(w, 7))
        round(a, b, c, &d, e, f, g, &h, k[t + 8] &+ extend(w, 8))
        round(h, a, b, &c, d, e, f, &g, k[t + 9] &+ extend(w, 9))
        round(g, h, a, &b, c, d, e, &f, k[t + 10] &+ extend(w, 10))
        round(f, g, h, &a, b, c, d, &e, k[t + 11] &+ extend(w, 11))
        round(e, f, g, &h, a, b, c, &d, k[t + 12] &+ extend(w, 12))
        round(d, e, f, &g, h, a, b, &c, k[t + 13] &+ extend(w, 13))
        round(c, d, e, &f, g, h, a, &b, k[t + 14] &+ extend(w, 14))
        round(b, c, d, &e, f, g, h, &a, k[t + 15] &+ extend(w, 15))
        t &+= 16
    }

    state.h0 &+= a
    state.h1 &+= b
    state.h2 &+= c
    state.h3 &+= d
    state.h4 &+= e
    state.h5 &+= f
    state.h6 &+= g
    state.h7 &+= h
}

@inline(__always)
private func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { (x &>> n) | (x &<< (32 &- n)) }

// swift-format-ignore: the eight working variables keep the names of FIPS 180-4.
@inline(__always)
private func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32,
    _ h: inout UInt32, _ kw: UInt32
) {
    let sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
    let choice = g ^ (e & (f ^ g))
    let t1 = h &+ sum1 &+ choice &+ kw
    let sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
    let majority = (a & b) | (c & (a | b))
    d = d &+ t1
    h = t1 &+ sum0 &+ majority
}

@inline(__always)
private func load(_ block: UnsafeRawPointer, _ w: UnsafeMutableBufferPointer<UInt32>, _ i: Int) -> UInt32 {
    let word = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 &* i, as: UInt32.self))
    w[i] = word
    return word
}

@inline(__always)
private func extend(_ w: UnsafeMutableBufferPointer<UInt32>, _ i: Int) -> UInt32 {
    let w15 = w[(i &+ 1) & 15]
    let w2 = w[(i &+ 14) & 15]
    let sigma0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 &>> 3)
    let sigma1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 &>> 10)
    let word = w[i] &+ sigma0 &+ w[(i &+ 9) & 15] &+ sigma1
    w[i] = word
    return word
}

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
private let roundConstants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1,
    0x923f_82a4, 0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3,
    0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786,
    0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147,
    0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13,
    0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a,
    0x5b9c_ca4f, 0x682e_6ff3, 0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208,
    0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]
