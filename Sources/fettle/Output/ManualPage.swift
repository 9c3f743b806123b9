import ArgumentParser
import JSON

/// A manual page in mdoc(7), made of the definitions that `--help` prints.
struct ManualPage {
    let name: String
    let section: Int
    let text: String

    /// `fettle(1)` and one page for every command.
    static func all() throws -> [ManualPage] {
        let root = try command(Array(Fettle._dumpHelp().utf8))
        let commands = shown(root)
        return [overview(root, commands)] + commands.map(page)
    }

    /// The page of another program of ours, made of what it prints for `--experimental-dump-help`: for administrators, so
    /// in section 8, with everything on one page.
    static func program(_ definitions: [UInt8]) throws -> ManualPage {
        let root = try command(definitions)
        let name = root.text("commandName")
        var text = head(name, root.text("abstract"), section: 8)
        text += ".Sh SYNOPSIS\n" + shown(root).map(synopsis).joined()
        text += ".Sh DESCRIPTION\n" + body(root.text("discussion"), or: root.text("abstract"))
        text += sections(shown(root)) + ".Sh SEE ALSO\n.Xr fettle 1\n"
        return ManualPage(name: name, section: 8, text: text)
    }

    private static func command(_ definitions: [UInt8]) throws -> JSONValue {
        let limits = JSONLimits(
            maximumBytes: 8 << 20, maximumDepth: 32, maximumItems: 400_000, maximumStringBytes: 1 << 16)
        guard let root = try JSONValue(parsing: definitions, limits: limits)["command"] else {
            throw CommandFailure.failed("the commands' definitions cannot be read")
        }
        return root
    }

    /// A section for every subcommand.
    private static func sections(_ subcommands: [JSONValue]) -> String {
        var text = ""
        for subcommand in subcommands {
            text += ".Ss \(escaped(path(subcommand)))\n\(sentences(subcommand.text("abstract")))\n"
            if let more = subcommand["discussion"]?.string { text += ".Pp\n" + body(more) }
            text += options(subcommand)
        }
        return text
    }

    private static func shown(_ command: JSONValue) -> [JSONValue] {
        (command["subcommands"]?.array ?? []).filter {
            $0["shouldDisplay"]?.bool != false && $0.text("commandName") != "help"
        }
    }

    // MARK: - Pages

    private static func head(_ title: String, _ abstract: String, section: Int = 1) -> String {
        """
        .\\" Made by fettle man. Do not edit.
        .Dd $Mdocdate$
        .Dt \(title.uppercased()) \(section)
        .Os Fettle \(fettleVersion)
        .Sh NAME
        .Nm \(title)
        .Nd \(escaped(abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract))

        """
    }

    private static func overview(_ root: JSONValue, _ commands: [JSONValue]) -> ManualPage {
        var text = head("fettle", root.text("abstract"))
        text += ".Sh SYNOPSIS\n.Nm fettle\n.Ar command\n.Op Ar argument ...\n.Sh DESCRIPTION\n"
        text += body(root.text("discussion")) + ".Pp\nThe commands, each with a page of its own:\n.Bl -tag -width Ds\n"
        for command in commands {
            text += ".It Xr fettle-\(command.text("commandName")) 1\n\(sentences(command.text("abstract")))\n"
        }
        text += ".El\n" + environmentSection + filesSection + exitSection
        text +=
            ".Sh SEE ALSO\n"
            + commands.map { ".Xr fettle-\($0.text("commandName")) 1" }.sorted().joined(separator: " ,\n") + "\n"
        return ManualPage(name: "fettle", section: 1, text: text)
    }

    private static func page(_ command: JSONValue) -> ManualPage {
        let name = "fettle-\(command.text("commandName"))"
        var text = head(name, command.text("abstract"))
        let subcommands = shown(command)
        text += ".Sh SYNOPSIS\n"
        let parts = subcommands.isEmpty ? [command] : subcommands
        text += parts.map(synopsis).joined()
        text += ".Sh DESCRIPTION\n" + body(command.text("discussion"), or: command.text("abstract"))
        if subcommands.isEmpty {
            text += options(command)
        } else {
            text += sections(subcommands)
        }
        text += exitSection + ".Sh SEE ALSO\n.Xr fettle 1\n"
        return ManualPage(name: name, section: 1, text: text)
    }

    private static func path(_ command: JSONValue) -> String {
        ((command["superCommands"]?.array ?? []).compactMap(\.string) + [command.text("commandName")])
            .joined(separator: " ")
    }

    private static func arguments(_ command: JSONValue) -> [JSONValue] {
        (command["arguments"]?.array ?? []).filter {
            $0["shouldDisplay"]?.bool != false
                && !["version", "help"].contains($0["preferredName"]?.text("name") ?? "")
        }
    }

    private static func synopsis(_ command: JSONValue) -> String {
        var text = ".Nm \(escaped(path(command)))\n"
        let all = arguments(command)
        if all.contains(where: { $0.text("kind") != "positional" }) { text += ".Op Ar option ...\n" }
        for argument in all where argument.text("kind") == "positional" {
            let dots = argument["isRepeating"]?.bool == true ? " ..." : ""
            let name = escaped(argument.text("valueName"))
            text += argument["isOptional"]?.bool == true ? ".Op Ar \(name)\(dots)\n" : ".Ar \(name)\(dots)\n"
        }
        return text
    }

    private static func options(_ command: JSONValue) -> String {
        let all = arguments(command)
        guard !all.isEmpty else { return "" }
        var text = ".Bl -tag -width Ds\n"
        for argument in all {
            let value = escaped(argument.text("valueName"))
            if argument.text("kind") == "positional" {
                text += ".It Ar \(value)\n"
            } else {
                let names = (argument["names"]?.array ?? []).map { name in
                    let text = escaped(name.text("name"))
                    return name.text("kind") == "long" ? "Fl \\-\(text)" : "Fl \(text)"
                }
                text +=
                    ".It " + names.joined(separator: " , ") + (argument.text("kind") == "option" ? " Ar \(value)" : "")
                    + "\n"
            }
            var about = argument.text("abstract")
            let given = argument.text("defaultValue")
            if !given.isEmpty, argument.text("kind") != "flag" { about += " (default: \(given))" }
            text += sentences(about.isEmpty ? argument.text("valueName") : about) + "\n"
        }
        return text + ".El\n"
    }

    // MARK: - Sections that all share

    private static let environmentSection: String = section(
        "ENVIRONMENT",
        [
            ("FETTLE_CONTEXT", "The context to use, instead of the one in use."),
            ("FETTLE_DATA", "The data folder of a server on this machine, instead of a context."),
            ("FETTLE_DATABASE", "The database of the server."),
            ("FETTLE_ORGANISATION", "The organisation that is meant where none is said."),
            ("FETTLE_TOKEN", "An API token, instead of the context's."),
            ("NO_COLOR", "Set to anything: no colours."),
            ("XDG_CONFIG_HOME", "Where the folder fettle with the contexts is; ~/.config without it."),
        ], ".It Ev ")

    private static let filesSection: String = section(
        "FILES",
        [
            ("~/.config/fettle/contexts.json", "The contexts with their tokens. Refused where others may read it."),
            ("./var, /var/lib/fettle", "The data folders that are tried, in this order."),
        ], ".It Pa ")

    private static let exitSection: String = section(
        "EXIT STATUS",
        CommandFailure.exitCodes.map {
            (String($0.code), $0.meaning.prefix(1).uppercased() + $0.meaning.dropFirst() + ".")
        },
        ".It ")

    private static func section(_ title: String, _ items: [(String, String)], _ tag: String) -> String {
        ".Sh \(title)\n.Bl -tag -width Ds\n" + items.map { "\(tag)\(escaped($0))\n\(sentences($1))\n" }.joined()
            + ".El\n"
    }

    // MARK: - Text

    /// Paragraphs; what is indented stands as it is.
    private static func body(_ text: String, or other: String = "") -> String {
        let text = text.isEmpty ? other : text
        var result = ""
        var isLiteral = false
        var needsParagraph = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("  ") {
                if !isLiteral { result += ".Bd -literal -offset indent\n" }
                isLiteral = true
                needsParagraph = false
                result += escapedLine(String(line.dropFirst(2))) + "\n"
            } else {
                if isLiteral { result += ".Ed\n" }
                isLiteral = false
                if line.isEmpty {
                    needsParagraph = !result.isEmpty
                } else {
                    if needsParagraph { result += ".Pp\n" }
                    needsParagraph = false
                    result += sentences(String(line)) + "\n"
                }
            }
        }
        return result + (isLiteral ? ".Ed\n" : "")
    }

    /// Sentences, each on a line of its own, as mdoc(7) wants them.
    private static func sentences(_ text: String) -> String {
        var lines: [String] = [""]
        for word in text.replacing("\n", with: " ").split(separator: " ") {
            let isNew = lines[lines.count - 1].last.map { ".!?".contains($0) } ?? false
            if isNew {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
            }
        }
        return lines.map(escapedLine).joined(separator: "\n")
    }

    /// A line of text in which nothing is a macro.
    private static func escapedLine(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\n", with: " ")
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }

    /// Text that is an argument of a macro.
    private static func escaped(_ text: String) -> String {
        escapedLine(text).replacing("\"", with: "\\(dq")
    }
}
