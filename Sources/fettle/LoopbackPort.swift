import Glibc

/// The port that could be bound on loopback just now, any free one for 0; nil where it is in use.
///
/// Through getaddrinfo(3) and getnameinfo(3): the fields of `sockaddr_in` belong to whichever module includes their
/// header first, and that differs between builds.
func loopbackPort(_ port: Int) -> Int? {
    var hints = addrinfo()
    hints.ai_family = AF_INET
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo("127.0.0.1", String(port), &hints, &list) == 0, let info = list?.pointee else { return nil }
    defer { freeaddrinfo(list) }
    let descriptor = socket(info.ai_family, info.ai_socktype, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    var length = info.ai_addrlen
    guard bind(descriptor, info.ai_addr, length) == 0, getsockname(descriptor, info.ai_addr, &length) == 0 else {
        return nil
    }
    var text = [CChar](repeating: 0, count: 16)
    guard getnameinfo(info.ai_addr, length, nil, 0, &text, socklen_t(text.count), NI_NUMERICSERV) == 0 else {
        return nil
    }
    return Int(String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
}
