import Glibc

extension NetworkProcess {
    /// The whole life of the network process: give up root, open the state, run.
    ///
    /// - Returns: the process's exit code: 0 after the executor ended, 3 where the host is not enrolled, else 1.
    public static func main(layout: StateLayout, options: Options) -> Int32 {
        SystemCalls.keepMemorySmall()
        signal(SIGPIPE, SIG_IGN)
        guard SystemCalls.pinNameLookups() else {
            Journal.write(.error, "the C library's name look-ups cannot be pinned to files and dns")
            return 1
        }
        let parent = getppid()
        do {
            let folder = try layout.enterNetworkFolder()
            _ = SystemCalls.dieWithParent()
            // The executor may have died before the line above.
            guard getppid() == parent else { return 0 }
            let process = try NetworkProcess(
                socket: ChildProcess.firstDescriptor, folder: folder, options: options)
            try process.run()
            return 0
        } catch NetworkProcessError.notEnrolled {
            Journal.write(.error, "\(NetworkProcessError.notEnrolled)")
            return 3
        } catch {
            Journal.write(.error, "\(error)")
            return 1
        }
    }
}
