import Audit
import Digest
import Foundation
import JSON
import Testing

/// pymerkle (PyPI) as the oracle: same roots, our proofs verified by it, its proofs verified by us.
struct PymerkleTests {
    @Test func bothProveToEachOther() throws {
        let tree = try TestTree(300)
        var sizes = Array(1...33) + [63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 299, 300]
        sizes.shuffle()
        var inclusion: [JSONValue] = []
        var consistency: [JSONValue] = []
        for size in sizes {
            for index in Set([0, size - 1, size / 2, size / 3, (size * 7) / 8]) {
                let proof = try #require(try MerkleTree.inclusionProof(of: index, in: size, node: tree.node))
                inclusion.append([
                    "index": .integer(Int64(index)), "size": .integer(Int64(size)),
                    "proof": .array(proof.map { .string($0.hex) }),
                ])
            }
            for first in Set([1, size, (size + 1) / 2, max(1, size - 1), max(1, size / 4), min(size, 8)]) {
                let proof = try #require(try MerkleTree.consistencyProof(from: first, to: size, node: tree.node))
                consistency.append([
                    "from": .integer(Int64(first)), "to": .integer(Int64(size)),
                    "proof": .array(proof.map { .string($0.hex) }),
                ])
            }
        }
        let question: JSONValue = [
            "leaves": .integer(300), "inclusion": .array(inclusion), "consistency": .array(consistency),
        ]
        let answer = try Self.ask(question)
        #expect(answer["roots"]?.array?.count == 301)
        for (size, root) in (answer["roots"]?.array ?? []).enumerated() {
            #expect(try root.string == MerkleTree.root(of: 0..<size, node: tree.node).hex)
        }
        #expect(answer["verified"]?.integer == Int64(inclusion.count + consistency.count))
        #expect(answer["refused"] == .array([]), "it refuses none of our proofs")
        #expect(answer["accepted"] == .array([]), "and accepts none that was altered")

        func hashes(_ value: JSONValue) throws -> [SHA256Digest] {
            try (value["proof"]?.array ?? []).map { try #require(SHA256Digest(hex: $0.string ?? "")) }
        }
        func root(_ size: Int) -> SHA256Digest { NaiveTree.root(tree.leaves[..<size]) }
        let theirs = try #require(answer["inclusion"]?.array)
        #expect(theirs.count == inclusion.count)
        for proof in theirs {
            let (index, size) = (Int(proof["index"]!.integer!), Int(proof["size"]!.integer!))
            #expect(
                try MerkleTree.verifyInclusion(
                    leaf: tree.leaves[index], index: index, size: size, proof: hashes(proof), root: root(size)))
        }
        let growth = try #require(answer["consistency"]?.array)
        #expect(growth.count == consistency.count)
        for proof in growth {
            let (from, to) = (Int(proof["from"]!.integer!), Int(proof["to"]!.integer!))
            #expect(
                try MerkleTree.verifyConsistency(from: from, root(from), to: to, root(to), proof: hashes(proof)))
        }
    }

    /// Runs the oracle, which makes its virtual environment when it is first used.
    private static func ask(_ question: JSONValue) throws -> JSONValue {
        let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let folder = FileManager.default.temporaryDirectory.appending(path: "fettle-merkle-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (input, output) = (folder.appending(path: "in.json"), folder.appending(path: "out.json"))
        try Data(question.canonicalBytes()).write(to: input)
        let process = Process()
        process.executableURL = repository.appending(path: "Core/Tests/merkle-oracle")
        process.arguments = [input.path, output.path]
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "Core/Tests/merkle-oracle failed (apt-get install python3-venv)")
        return try JSONValue(parsing: Array(Data(contentsOf: output)), limits: .facts)
    }
}
