/// What the files of a run tell: the lines that apt (`APT::Status-Fd`) and dpkg (`--status-fd`) write, and their output.
struct RunReport {
    /// The newest progress.
    private(set) var progress = AptProgress()
    /// The package whose files or scripts were at work last.
    private(set) var last: String?
    /// The package that failed first.
    private(set) var failed: String?
    /// What was said of failures.
    private(set) var errors: [String] = []

    /// Reads status lines; a last one without its end is left out.
    mutating func read(status bytes: [UInt8]) {
        guard let end = bytes.lastIndex(of: 0x0A) else { return }
        for line in bytes[..<end].split(separator: 0x0A) { take(String(decoding: line, as: UTF8.self)) }
    }

    private mutating func take(_ line: String) {
        let words = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
        guard words.count >= 3 else { return }
        switch words[0] {
        case "dlstatus":
            // Files at hand are copied at once: no progress of the change.
            break
        case "pmstatus", "pmerror", "pmconffile":
            // A package's name has no architecture here, but a file's path can hold colons only as %3a.
            guard words.count == 4, let percent = Double(words[2]) else { return }
            progress.percent = max(progress.percent, min(max(percent, 0), 100))
            if words[0] == "pmerror" {
                let package = Self.package(words[1])
                failed = failed ?? package
                errors.append("\(package): \(words[3])")
            } else if words[0] == "pmstatus", words[1] != "dpkg-exec" {
                last = words[1]
                progress.package = words[1]
                progress.text = words[3]
            }
        case "processing":
            // dpkg: "processing: configure: tb-hang", with ":architecture" for foreign ones.
            let package = words[2...].joined(separator: ":").trimmed
            guard !package.isEmpty, words[1].trimmed != "trigproc" || last == nil else { return }
            last = package
            progress.package = package
            progress.text = "\(words[1].trimmed) \(package)"
        case "status":
            // dpkg: "status: tb-failpost : error : installed … script subprocess returned error exit status 1".
            guard words.count == 4, words[2].trimmed == "error" else { return }
            let package = Self.package(words[1].trimmed)
            failed = failed ?? package
            errors.append("\(package): \(words[3].trimmed)")
        default: break
        }
    }

    /// What a run printed: errors, and the words of the script that failed.
    mutating func read(log: String) {
        let lines = log.split(separator: "\n").map { String($0).trimmed }
        for (index, line) in lines.enumerated() where line.hasPrefix("dpkg: error processing ") {
            let subject = line.dropFirst("dpkg: error processing ".count).split(separator: " ")
            guard subject.count >= 2 else { continue }
            let package = Self.package(String(subject[1]))
            failed = failed ?? package
            let reason = index + 1 < lines.count ? lines[index + 1] : ""
            var text = "\(package): \(reason)"
            // The line before is the script's own, unless it is the package manager's.
            if index > 0, reason.contains("subprocess"), !Self.isRoutine(lines[index - 1]) {
                text += "; its last words: \(lines[index - 1])"
            }
            errors.removeAll { text.hasPrefix($0) }
            errors.insert(text, at: 0)
        }
        for line in lines where line.hasPrefix("E: ") {
            let text = String(line.dropFirst(3))
            if text.hasPrefix("Sub-process"), !errors.isEmpty { continue }
            errors.append(text)
        }
        for line in lines where line.hasPrefix("dpkg: error: ") || line.hasPrefix("dpkg: unrecoverable fatal error") {
            errors.append(String(line.dropFirst("dpkg: ".count)))
        }
        errors = Array(errors.prefix(20)).map { String($0.prefix(1000)) }
    }

    private static func isRoutine(_ line: String) -> Bool {
        ["Setting up ", "Preparing to ", "Unpacking ", "Processing ", "dpkg: ", "(Reading ", "Removing ", "Get:"]
            .contains(where: line.hasPrefix)
    }

    /// The package of what dpkg names: itself, or the file of an archive.
    private static func package(_ text: String) -> String {
        guard text.contains("/") || text.hasSuffix(".deb") else { return text }
        let file = text.split(separator: "/").last.map(String.init) ?? text
        return file.split(separator: "_").first.map(String.init) ?? file
    }

    /// The configuration files that a log says were kept.
    static func keptConfiguration(_ log: String) -> [String] {
        var files: [String] = []
        var current: String?
        for line in log.split(separator: "\n").map({ String($0).trimmed }) {
            if line.hasPrefix("Configuration file '"), line.hasSuffix("'") {
                current = String(line.dropFirst("Configuration file '".count).dropLast())
            } else if line.hasPrefix("==> Keeping old config file"), let file = current {
                if !files.contains(file) { files.append(file) }
            }
        }
        return files
    }
}
