import Foundation
import PackageManagers
import Testing

@Suite struct FileTreeTests {
    @Test func linksStayInTheTree() throws {
        let root = try TemporaryRoot()
        let outside = try TemporaryRoot()
        try outside.write("secret", "outside")
        try root.write("etc/real", "inside")
        try root.write("\(outside.path.dropFirst())/secret", "a file of that name inside")
        try root.link("etc/absolute", to: "/etc/real")
        try root.link("etc/up", to: "../../../../../../etc/real")
        try root.link("etc/secret", to: "\(outside.path)/secret")
        try root.link("folder", to: "/etc")
        try root.link("loop", to: "loop")
        let tree = FileTree(root: root.path)
        func text(_ path: String) throws -> String { String(decoding: try tree.read(path), as: UTF8.self) }
        #expect(try text("etc/absolute") == "inside")
        #expect(try text("etc/up") == "inside")
        #expect(try text("folder/real") == "inside")
        #expect(try text("etc/secret") == "a file of that name inside")
        #expect(try text("../../etc/real") == "inside")
        #expect(throws: FileError.self) { try tree.read("loop") }
        #expect(throws: FileError.self) { try tree.read("etc") }
        #expect(throws: FileError.self) { try tree.read("etc/none") }
        #expect(try tree.list("folder") == ["absolute", "real", "secret", "up"])
    }

    @Test func largeFilesAndSpecialOnesAreRefused() throws {
        let root = try TemporaryRoot()
        try root.write("large", [UInt8](repeating: 0x61, count: 10_000))
        let tree = FileTree(root: root.path)
        #expect(throws: FileError.self) { try tree.read("large", limit: 9999) }
        #expect(try tree.read("large", limit: 10_001).count == 10_000)
        try tool(["mkfifo", "\(root.path)/pipe"])
        #expect(throws: FileError.self) { try tree.read("pipe") }
    }
}
