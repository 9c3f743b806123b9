public import Digest
import SwiftASN1
import Synchronization
import Timestamps
import X509

import enum Crypto.P256

/// The installation's authorities on disk: the one that issues, the next, and the one before.
///
/// There are always two at least, so that one can be replaced while every host trusts the other. Rotation makes
/// the next the issuing one and adds a new next; the one before stays trusted until another rotation, so hosts
/// have that long to renew. Keys are files of mode 0600 in `DATA/authority`.
public final class AuthorityStore: Sendable {
    private let folder: String
    private let clock: ServerClock
    private let state: Mutex<Authorities>

    /// The authorities of one moment.
    public struct Authorities: Sendable {
        /// The one that issues.
        public let current: CertificateAuthority
        /// The one that will issue after the next rotation; trusted already.
        public let next: CertificateAuthority
        /// The one that issued before the last rotation; trusted still.
        public let previous: CertificateAuthority?

        /// All that are trusted, the current one first: as ``Wire/IdentityGrant`` delivers them.
        public var trusted: [CertificateAuthority] { [current, next] + (previous.map { [$0] } ?? []) }
        /// What enrolment tokens pin.
        public var pins: [SHA256Digest] { [current.pin, next.pin] }
        /// The trusted certificates, PEM, the current one first.
        public var pems: [String] { trusted.map(\.pem) }
    }

    /// Reads the authorities in that folder, or makes the first two.
    public init(folder: String, clock: ServerClock) throws {
        self.folder = folder
        self.clock = clock
        try makeFolder(folder)
        var numbers = Self.numbers(in: folder)
        let now = clock.now()
        // Their ends lie five years apart, so that the two never end together.
        for (missing, years) in [(1, 10), (2, 15)] where numbers.count < 2 && !numbers.contains(missing) {
            try Self.write(CertificateAuthority.make(number: missing, years: years, now: now), to: folder)
            numbers.append(missing)
        }
        self.state = Mutex(try Self.load(folder))
    }

    /// The authorities now.
    public var authorities: Authorities { state.withLock { $0 } }

    /// Reads the folder again, after a rotation by another process.
    public func reload() throws {
        let loaded = try Self.load(folder)
        state.withLock { $0 = loaded }
    }

    /// Makes the next authority the issuing one and adds a new next.
    ///
    /// - Parameter number: the authority that issues as the caller knows. Where another one does by now, nothing is done:
    ///   a second rotation in a row would cut off every host that has not renewed since the first.
    /// - Returns: whether it was done.
    public func rotate(from number: Int) throws -> Bool {
        try state.withLock { state in
            state = try Self.load(folder)
            guard state.current.number == number else { return false }
            let next = state.next.number
            // A next one that is there already was made by a rotation that broke off, and may be trusted by hosts.
            if !Self.numbers(in: folder).contains(next + 1) {
                try Self.write(CertificateAuthority.make(number: next + 1, years: 10, now: clock.now()), to: folder)
            }
            try writePrivateFile("\(folder)/current", Array("\(next)\n".utf8))
            state = try Self.load(folder)
            return true
        }
    }

    private static func numbers(in folder: String) -> [Int] {
        folderEntries(folder).compactMap { name in
            name.hasPrefix("ca-") && name.hasSuffix(".pem") ? Int(name.dropFirst(3).dropLast(4)) : nil
        }.sorted()
    }

    private static func write(_ authority: CertificateAuthority, to folder: String) throws {
        // The key first: a certificate without its key would be loaded and fail.
        let path = "\(folder)/ca-\(authority.number)"
        try writePrivateFile("\(path).key", Array(authority.key.pemRepresentation.utf8))
        try writePrivateFile("\(path).pem", Array(authority.pem.utf8))
    }

    private static func load(_ folder: String) throws -> Authorities {
        let numbers = numbers(in: folder)
        let marked = try readFile("\(folder)/current").flatMap { bytes in
            Int(String(decoding: bytes.filter { $0 > 0x20 }, as: UTF8.self))
        }
        guard let number = marked ?? numbers.first else { throw AuthorityError("\(folder) holds no authority") }
        func read(_ number: Int) throws -> CertificateAuthority? {
            let path = "\(folder)/ca-\(number)"
            guard let certificate = try readFile("\(path).pem") else { return nil }
            guard let key = try readFile("\(path).key") else {
                throw AuthorityError("\(path).key is missing; restore the folder from its backup")
            }
            do {
                return try CertificateAuthority(
                    number: number, certificate: Certificate(pemEncoded: String(decoding: certificate, as: UTF8.self)),
                    key: P256.Signing.PrivateKey(pemRepresentation: String(decoding: key, as: UTF8.self)))
            } catch {
                throw AuthorityError("\(path).pem or its key is damaged (\(error)); restore the folder from its backup")
            }
        }
        guard let current = try read(number), let next = try read(number + 1) else {
            throw AuthorityError("\(folder) lacks authority \(number) or the next; restore the folder from its backup")
        }
        return Authorities(current: current, next: next, previous: try read(number - 1))
    }
}

/// Why the authorities cannot be used.
public struct AuthorityError: Error, Sendable, CustomStringConvertible {
    /// What happened and what to do.
    public let description: String

    init(_ text: String) {
        description = text
    }
}
