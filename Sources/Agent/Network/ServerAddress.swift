import Glibc
import NIOCore

/// Where a server listens: a name or an IP address, and a port.
public struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The name or the address, without brackets.
    public let host: String
    /// The port.
    public let port: Int

    /// Reads `HOST:PORT` or `[IPv6]:PORT`; nil for anything else.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.utf8.count <= 255, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F })
        else { return nil }
        self.host = host
        self.port = Int(port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether ``host`` is an address rather than a name: then it is checked as an address in the certificate.
    var isNumeric: Bool { (try? SocketAddress(ipAddress: host, port: port)) != nil }

    /// The addresses behind the name, in the resolver's order (RFC 6724), at most eight.
    ///
    /// - Throws: ``ExchangeError/unreachable(_:)``.
    func resolve() throws(ExchangeError) -> [SocketAddress] {
        if let address = try? SocketAddress(ipAddress: host, port: port) { return [address] }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0 else {
            throw ExchangeError.unreachable("cannot look up \(host): \(String(cString: gai_strerror(code)))")
        }
        var addresses: [SocketAddress] = []
        var entry = list
        while let info = entry?.pointee, addresses.count < 8 {
            if let raw = info.ai_addr {
                switch info.ai_family {
                case AF_INET:
                    raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        addresses.append(SocketAddress($0.pointee, host: host))
                    }
                case AF_INET6:
                    raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        addresses.append(SocketAddress($0.pointee, host: host))
                    }
                default: break
                }
            }
            entry = info.ai_next
        }
        guard !addresses.isEmpty else { throw ExchangeError.unreachable("\(host) has no address") }
        return addresses
    }
}
