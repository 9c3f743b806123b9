import Foundation
import PackageManagers
import Testing

/// A throw-away Debian root with the situations repository beside it (`Testbed/hold-root`); gone with its last reference.
final class HeldRoot: Sendable {
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// The job's folder as the root sees it.
    static let folder = "/var/lib/fettle-agent/jobs/1"

    private let keeper: Process
    private let input: Pipe
    let pid: Int32

    /// A root where `setup` was run by a shell.
    init(_ tree: String = "situations", size: String = "400m", setup: String = "") throws {
        keeper = Process()
        input = Pipe()
        let output = Pipe()
        keeper.executableURL = URL(fileURLWithPath: "\(Self.repository)/Testbed/hold-root")
        keeper.arguments = [tree, try Self.packages.get(), size]
        keeper.standardInput = input
        keeper.standardOutput = output
        keeper.standardError = FileHandle.standardError
        try keeper.run()
        var line = ""
        while !line.hasSuffix("\n") {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { break }
            line += String(decoding: data, as: UTF8.self)
        }
        guard let pid = Int32(line.split(separator: "\n").last ?? "") else {
            throw Failure(description: "hold-root printed '\(line)'")
        }
        self.pid = pid
        if !setup.isEmpty { try sh(setup) }
    }

    deinit {
        kill(pid, SIGKILL)
        try? input.fileHandleForWriting.close()
        keeper.waitUntilExit()
    }

    /// The situations repository, made once.
    static let packages: Result<String, any Error> = Result {
        // From a cold cache both bootstrap a Debian first.
        var made = ""
        for script in ["make-situations", "make-deb-repo"] {
            let result = try ChildProcess.run(
                ["bash", "\(repository)/Testbed/\(script)"], environment: ProcessInfo.processInfo.environment,
                timeoutSeconds: 900)
            guard result.status == 0 else {
                throw Failure(description: "\(script): \(String(decoding: result.errors, as: UTF8.self))")
            }
            made = String(decoding: result.output, as: UTF8.self)
        }
        return made.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    var enter: [String] { ["nsenter", "-t", "\(pid)", "-m", "-p", "-n", "-r", "-w"] }

    var root: ChangeRoot { ChangeRoot(path: "/proc/\(pid)/root", enter: enter) }

    var change: AptChange { AptChange(root: root, folder: Self.folder) }

    /// Runs a shell script in the root; what it prints.
    @discardableResult
    func sh(_ script: String, check: Bool = true) throws -> String {
        try tool(enter + ["sh", "-ec", script], environment: ["DEBIAN_FRONTEND": "noninteractive"], check: check)
    }

    /// Builds a package of our own, offered from the root's folder /srv/own; installed at once when `installed`.
    func publish(_ name: String, _ version: String, scripts: [String: String] = [:], installed: Bool = false) throws {
        let script = """
            mkdir -p /srv/own; cd /srv/own; rm -rf /tmp/tree; mkdir -p /tmp/tree/DEBIAN
            printf 'Package: \(name)\\nVersion: \(version)\\nArchitecture: all\\nMaintainer: x <x@x.example>\\nDescription: x\\n' \
                >/tmp/tree/DEBIAN/control
            \(scripts.sorted { $0.key < $1.key }.map { name, body in
                "printf '%s\\n' '#!/bin/sh' '\(body)' >/tmp/tree/DEBIAN/\(name); chmod 755 /tmp/tree/DEBIAN/\(name)"
            }.joined(separator: "\n"))
            dpkg-deb --root-owner-group -Zgzip -z1 -b /tmp/tree \(name)_\(version)_all.deb >/dev/null
            """
        try sh(script)
        if installed { try sh("dpkg -i /srv/own/\(name)_\(version)_all.deb; rm /srv/own/\(name)_\(version)_all.deb") }
        try sh(
            """
            cd /srv/own; apt-ftparchive packages . >Packages
            list=/etc/apt/sources.list.d/own.list
            printf 'deb [trusted=yes] copy:/srv/own ./\\n' >$list
            apt-get -q update -o Dir::Etc::SourceList=$list -o Dir::Etc::SourceParts=/dev/null -o APT::Get::List-Cleanup=0
            """)
    }

    /// A path of the root as this machine opens it.
    func path(_ inside: String) -> String { "/proc/\(pid)/root\(inside)" }

    /// `version state` of a package by dpkg-query, the oracle; empty where dpkg does not know it.
    func dpkg(_ name: String) throws -> String {
        try tool(enter + ["dpkg-query", "-W", "-f", "${Version} ${db:Status-Status}", name], check: false)
    }

    /// Processes of the root by their name, as this machine counts them.
    func processes(_ name: String) -> [Int32] {
        let namespace = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/ns/mnt")
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }.filter {
            (try? String(contentsOfFile: "/proc/\($0)/comm", encoding: .utf8)) == "\(name)\n"
                && (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/ns/mnt")) == namespace
        }
    }
}

/// Packages for all architectures at these versions: `name=version`.
func goals(_ texts: String...) -> [PackageGoal] { goals(texts) }

func goals(_ texts: [String]) -> [PackageGoal] {
    texts.map { text in
        let parts = text.split(separator: "=").map(String.init)
        return PackageGoal(name: parts[0], architecture: "all", version: parts[1])
    }
}
