import Glibc

/// An OpenPGP signature beside a file, verified by the system's `gpgv` with a keyring that an operator names.
///
/// No key is guessed, fetched or trusted because it came with the file: without a keyring nothing is verified, and nothing
/// is said to be.
enum DetachedSignature {
    /// Verifies a signature over a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - signature: what stands beside it, armoured or not.
    ///   - keyring: a file of OpenPGP keys in binary form, by its whole path.
    ///   - folder: where the signature lies meanwhile.
    ///   - url: the file, as people know it.
    /// - Throws: ``ImportError`` where no key of the keyring made it, or `gpgv` cannot be run.
    static func verify(
        _ path: String, _ signature: [UInt8], keyring: String, in folder: String, of url: String
    ) throws {
        guard access(keyring, R_OK) == 0 else {
            throw ImportError(
                .usage,
                "the keyring \(keyring) cannot be read: \(String(cString: strerror(errno))); \(url) was not taken")
        }
        let place = "\(folder)/signature.\(getpid()).\(UInt64.random(in: 0...(.max)))"
        defer {
            unlink(place)
            unlink(place + ".said")
        }
        try DurableFile.write(signature, to: place)
        let status = try run(["gpgv", "--keyring", keyring, place, path], output: place + ".said")
        guard status == 0 else {
            let said = (try? DurableFile.read(place + ".said", limit: 1 << 16)) ?? []
            let last = String(decoding: said, as: UTF8.self).split(separator: "\n").suffix(2).joined(separator: "; ")
            throw ImportError(
                .refused,
                """
                \(url): no key of \(keyring) made the signature beside it; it was not taken. gpgv says: \
                \(last.isEmpty ? "nothing" : String(last.prefix(400)))
                """)
        }
    }

    /// Runs a program of the system and waits for it.
    private static func run(_ arguments: [String], output: String) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        // Its messages in English, whatever the operator's language: they are shown as they are.
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        var environment: [UnsafeMutablePointer<CChar>?] = [strdup("LC_ALL=C"), strdup("PATH=\(path)"), nil]
        defer { for word in environment { free(word) } }
        var child: pid_t = 0
        let fault = posix_spawnp(&child, arguments[0], &actions, nil, &words, &environment)
        guard fault == 0 else {
            throw ImportError(
                .usage,
                "\(arguments[0]) cannot be run (\(String(cString: strerror(fault)))): install it, or take \"keyring\" out of the feed"
            )
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
    }
}
