import Glibc
public import Inventory

extension HostTree {
    /// The addresses of global scope: IPv4 from getifaddrs(3), IPv6 from /proc/net/if_inet6.
    ///
    /// Temporary addresses (RFC 8981) are left out: they change every day on a host that stands still.
    public func addresses() -> Fact<[NetworkAddress]> {
        guard isMachine else { return .unknown("a tree of files has no network interfaces") }
        var addresses: [NetworkAddress] = []
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return .unknown("getifaddrs: \(HostTreeError.text(of: errno))") }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let name = entry.ifa_name, let address = Self.address4(entry.ifa_addr),
                let mask = Self.address4(entry.ifa_netmask), Self.isGlobal4(address)
            else { continue }
            let octets = [24, 16, 8, 0].map { String(address >> UInt32($0) & 0xFF) }
            addresses.append(
                NetworkAddress(
                    interface: String(cString: name), address: octets.joined(separator: "."),
                    prefix: Int64(mask.nonzeroBitCount)))
        }
        do {
            addresses += Self.addresses6(try procText("net/if_inet6"))
        } catch  where error.isAbsence {
            // The kernel has no IPv6.
        } catch {
            return .unknown(error.description)
        }
        return .known(Array(Set(addresses)).sorted())
    }

    /// The IPv4 address in a `sockaddr_in`, ip(7): it stands four bytes from the start, in network byte order.
    private static func address4(_ pointer: UnsafeMutablePointer<sockaddr>?) -> UInt32? {
        guard let pointer, pointer.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
        return UInt32(bigEndian: UnsafeRawPointer(pointer).loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    }

    /// Neither loopback (127/8) nor link-local (169.254/16) nor unspecified.
    package static func isGlobal4(_ address: UInt32) -> Bool {
        address >> 24 != 127 && address >> 16 != 0xA9FE && address != 0
    }

    /// The lines `address index prefix scope flags name`, all in hexadecimal.
    package static func addresses6(_ text: String) -> [NetworkAddress] {
        let temporary: UInt32 = 0x01
        let duplicate: UInt32 = 0x08
        let tentative: UInt32 = 0x40
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count == 6, fields[0].utf8.count == 32, let prefix = Int64(fields[2], radix: 16),
                (0...128).contains(prefix), fields[3] == "00", let flags = UInt32(fields[4], radix: 16),
                flags & (temporary | duplicate | tentative) == 0, let address = address6(fields[0])
            else { return nil }
            return NetworkAddress(interface: String(fields[5]), address: address, prefix: prefix)
        }
    }

    /// The address of 32 hexadecimal digits in the text form of RFC 5952.
    private static func address6(_ digits: Substring) -> String? {
        let characters = Array(digits)
        let bytes = (0..<16).compactMap { UInt8(String(characters[2 * $0...2 * $0 + 1]), radix: 16) }
        guard bytes.count == 16 else { return nil }
        // INET6_ADDRSTRLEN is 46.
        var text = [CChar](repeating: 0, count: 46)
        guard inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
