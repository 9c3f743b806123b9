import Glibc

// Six functions of the C library that Swift's importer does not offer, because they are variadic (prctl), GNU extensions
// (unshare, setns) or in a header that its module map leaves out. `@_silgen_name` calls them by symbol, which spares a C target. Sound on x86-64 and
// arm64: all arguments are integers and pointers, which Swift's convention passes as C's does.

@_silgen_name("prctl")
private func systemPrctl(_ option: Int32, _ a: UInt, _ b: UInt, _ c: UInt, _ d: UInt) -> Int32

@_silgen_name("signalfd")
private func systemSignalfd(_ fd: Int32, _ mask: UnsafePointer<sigset_t>, _ flags: Int32) -> Int32

@_silgen_name("mallopt")
private func systemMallopt(_ parameter: Int32, _ value: Int32) -> Int32

@_silgen_name("unshare")
private func systemUnshare(_ flags: Int32) -> Int32

@_silgen_name("setns")
private func systemSetns(_ descriptor: Int32, _ kind: Int32) -> Int32

@_silgen_name("malloc_trim")
private func systemMallocTrim(_ pad: Int) -> Int32

// In the GNU C library since 2.0 but in no installed header.
@_silgen_name("__nss_configure_lookup")
private func systemConfigureLookup(_ database: UnsafePointer<CChar>, _ services: UnsafePointer<CChar>) -> Int32

/// The calls to the C library that need more than an import.
enum SystemCalls {
    /// PR_SET_NO_NEW_PRIVS: no program that this process starts gains rights.
    static func forbidNewPrivileges() -> Bool { systemPrctl(38, 1, 0, 0, 0) == 0 }

    /// PR_SET_NAME: what `ps`, `pgrep` and `pkill` know this process by; at most 15 bytes.
    static func setName(_ name: String) { _ = name.withCString { systemPrctl(15, UInt(bitPattern: $0), 0, 0, 0) } }

    /// PR_SET_PDEATHSIG: this process gets SIGKILL when its parent dies. Credentials must not change afterwards.
    static func dieWithParent() -> Bool { systemPrctl(1, UInt(SIGKILL), 0, 0, 0) == 0 }

    /// Leaves the host's network for an empty one (unshare(2)); false where the kernel refuses, with errno.
    static func leaveNetwork() -> Bool { systemUnshare(0x4000_0000) == 0 }

    /// Enters the network namespace behind that descriptor (setns(2)); false where the kernel refuses, with errno.
    static func enterNetwork(_ descriptor: Int32) -> Bool { systemSetns(descriptor, 0x4000_0000) == 0 }

    /// Blocks these signals and gives a descriptor that reports them; -1 on failure.
    static func signalDescriptor(for signals: [Int32]) -> Int32 {
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in signals { sigaddset(&mask, signal) }
        guard sigprocmask(SIG_BLOCK, &mask, nil) == 0 else { return -1 }
        return systemSignalfd(-1, &mask, 0o2_000_000 | 0o4000)  // SFD_CLOEXEC | SFD_NONBLOCK
    }

    /// One malloc arena, and memory given back early: the agent sleeps nearly always and shall be small then.
    static func keepMemorySmall() {
        _ = systemMallopt(-8, 1)  // M_ARENA_MAX
        _ = systemMallopt(-1, 64 << 10)  // M_TRIM_THRESHOLD
        _ = systemMallopt(-3, 64 << 10)  // M_MMAP_THRESHOLD: large buffers are unmapped as soon as they are freed
    }

    /// Gives unused memory back to the system, and the pages of the program's own code.
    ///
    /// Code is mapped from the file and comes back by itself, a page fault at a time; until then a sleeping agent
    /// takes next to nothing from the host. Called before long waits only.
    static func trimMemory() {
        _ = systemMallocTrim(0)
        guard let folder = try? DurableFolder("/proc/self", create: false),
            let bytes = try? folder.readUnsized("maps", limit: 256 << 10)
        else { return }
        for line in bytes.split(separator: 0x0A) {
            let fields = line.split(separator: 0x20, omittingEmptySubsequences: true)
            // address perms offset dev inode path (proc_pid_maps(5)): private, never written, of a file.
            guard fields.count >= 6, !fields[4].elementsEqual("0".utf8) else { continue }
            // Code, and the file's first segment, are never written. Read-only pages elsewhere may hold what the start
            // of the program has put there (RELRO), which would be lost.
            let isCode = fields[1].elementsEqual("r-xp".utf8)
            guard isCode || fields[1].elementsEqual("r--p".utf8) && fields[2].allSatisfy({ $0 == 0x30 }) else {
                continue
            }
            let ends = fields[0].split(separator: 0x2D).map { UInt(String(decoding: $0, as: UTF8.self), radix: 16) }
            guard ends.count == 2, let start = ends[0], let end = ends[1], end > start else { continue }
            _ = madvise(UnsafeMutableRawPointer(bitPattern: start), Int(end - start), Int32(MADV_DONTNEED))
        }
    }

    /// Pins the C library's look-ups to what a static executable has built in.
    ///
    /// Otherwise `/etc/nsswitch.conf` could name modules (sss, ldap, systemd) that the library would load with dlopen
    /// from a host whose library is of another version, which ends in a crash. Call it before any resolver call.
    static func pinNameLookups() -> Bool {
        let files = ["passwd", "group", "services", "protocols", "networks", "ethers", "shadow", "initgroups"]
        let pinned = files.map { systemConfigureLookup($0, "files") }
        return systemConfigureLookup("hosts", "files dns") == 0 && pinned.prefix(4).allSatisfy { $0 == 0 }
    }
}
