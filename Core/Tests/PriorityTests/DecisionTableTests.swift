import Foundation
import Priority
import Testing

/// The shared data: `FETTLE_TEST_DATA`, else `shared/data` beside the repository.
enum TestData {
    static let root: String = {
        if let path = ProcessInfo.processInfo.environment["FETTLE_TEST_DATA"], !path.isEmpty { return path }
        return URL(filePath: #filePath).appending(path: "../../../../../shared/data").standardized.path
    }()

    static var isPresent: Bool { FileManager.default.fileExists(atPath: root) }

    static func bytes(_ path: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(filePath: root + "/" + path)))
    }

    /// A gzipped file's content, by Python: archives are not read by Core.
    static func unzipped(_ path: String) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = [
            "-c", "import gzip,sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())", root + "/" + path,
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return [UInt8](data)
    }
}

struct DecisionTableTests {
    /// Every row of a published file against the table that comes with Fettle.
    @Test(
        .enabled(if: TestData.isPresent),
        arguments: [
            ("cisa_bod_26_04_1_0_0", DecisionTable.bod2604, 16),
            ("cisa_coordinator_2_0_3", DecisionTable.cisaCoordinator, 36),
            ("deployer_patch_application_priority_1_0_0", DecisionTable.deployer, 72),
            ("human_impact_1_0_0", DecisionTable.humanImpact, 16),
        ])
    func standardTablesAreThePublishedOnes(_ file: String, _ table: DecisionTable, _ count: Int) throws {
        let lines = try String(decoding: TestData.bytes("ssvc/\(file).csv"), as: UTF8.self)
            .split(whereSeparator: \.isNewline)
        let heads = ["row"] + table.pointsOfFile(file)
        #expect(lines.count == count + 1 && table.count == count)
        for line in lines.dropFirst() {
            let cells = line.split(separator: ",").map(String.init)
            var answers: [String: DecisionTable.Answer] = [:]
            for (head, cell) in zip(heads, cells).dropFirst() { answers[head] = .init(cell, because: "test") }
            let decision = table.decide(answers)
            #expect(decision.outcome == cells.last, "\(file) \(line)")
            #expect(decision.assumptions == 0)
            if file.hasPrefix("cisa_bod") { #expect(decision.row == Int(cells[0])) }
        }
    }

    /// Every published table reads in both forms and decides every row alike.
    @Test(.enabled(if: TestData.isPresent))
    func everyPublishedTableReadsInBothForms() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: TestData.root + "/ssvc")
            .filter { $0.hasSuffix(".csv") }
        #expect(files.count == 10)
        var rows = 0
        for file in files {
            let stem = String(file.dropLast(4))
            let csv = try DecisionTable(csv: TestData.bytes("ssvc/\(file)"), id: stem)
            let json = try DecisionTable(ssvc: TestData.bytes("ssvc/\(stem).json"), id: stem)
            #expect(csv.count == json.count && csv.points.count == json.points.count, "\(file)")
            for line in try String(decoding: TestData.bytes("ssvc/\(file)"), as: UTF8.self)
                .split(whereSeparator: \.isNewline).dropFirst()
            {
                let cells = line.split(separator: ",").map(String.init)
                var answers: [String: DecisionTable.Answer] = [:]
                for (point, cell) in zip(csv.points, cells.dropFirst()) {
                    answers[point.name] = .init(cell, because: "test")
                }
                let decision = csv.decide(answers)
                #expect(decision.outcome == DecisionTable.normalised(cells[cells.count - 1]), "\(file): \(line)")
                #expect(json.decide(answers).outcome == decision.outcome, "\(file): \(line)")
                #expect(decision.row == Int(cells[0]))
                rows += 1
            }
        }
        print("decision tables: \(files.count) files, \(rows) rows agree in CSV and JSON")
    }

    @Test func writesWordsOneWay() {
        for word in ["PoC", "poc", "public poc", "Public_PoC", "public poc v1.1.0"] {
            #expect(DecisionTable.normalised(word) == "public poc")
        }
        #expect(DecisionTable.normalised("In KEV v1.0.0 (cisa)") == "in kev")
        #expect(DecisionTable.normalised("Y") == "yes" && DecisionTable.normalised("None") == "none")
        #expect(DecisionTable.normalised("very high") == "very high")
    }

    @Test func assumesWhatIsUnknownAndSaysSo() {
        let decision = DecisionTable.bod2604.decide(["in kev": .init("no", because: "kev of 2026-11-20")])
        #expect(decision.outcome == "3 days" && decision.row == 14 && decision.assumptions == 3)
        #expect(decision.sentence.contains("publicly exposed yes (assumed: unknown)"))
        #expect(decision.sentence.contains("in kev no (kev of 2026-11-20)"))
        let odd = DecisionTable.bod2604.decide(["in kev": .init("perhaps", because: "x")])
        #expect(odd.inputs[0].value == "no" && odd.inputs[0].because == nil)
    }

    @Test(
        arguments: [
            ("", "empty"), ("a\n1\n", "columns"), ("a,b,out\nx,y\n", "cells"),
            ("a,out\nx,1\nx,2\n", "earlier row"), ("a,b,out\nx,1,o\ny,2,o\n", "no row for"),
            ("a,out\nx,\n", "no outcome"), ("a,a,out\nx,x,1\n", "one name"), ("a,out\n\"x,1\n", "nothing closes"),
        ])
    func refusesTablesThatDoNotDecide(_ text: String, _ part: String) {
        #expect {
            try DecisionTable(csv: Array(text.utf8), id: "mine")
        } throws: { "\($0)".contains(part) && "\($0)".contains("mine") }
    }

    @Test func readsATableOfTheUsersOwn() throws {
        let text = "zone,exploited,answer\r\ndmz,yes,\"1 day\"\r\ndmz,no,7 days\r\nlab,yes,30 days\r\nlab,no,never\r\n"
        let table = try DecisionTable(csv: Array(text.utf8), id: "mine", assumed: ["exploited": "no"])
        #expect(
            table.decide(["zone": .init("DMZ", because: "x"), "exploited": .init("Y", because: "x")]).outcome == "1 day"
        )
        #expect(table.decide(["zone": .init("lab", because: "x")]).outcome == "never")
        #expect(table.decide([:]).outcome == "never", "without an assumption the last value counts")
    }

    /// Headings without a row are refused, as is a file with nothing in it.
    @Test func headingsAloneAreNoTable() {
        for text in ["a,b\n", "row,a,b\n", "", "\n"] {
            #expect(throws: DecisionTableFault.self) { try DecisionTable(csv: Array(text.utf8), id: "own") }
        }
    }
}

extension DecisionTable {
    /// The names of the columns as the published file has them.
    func pointsOfFile(_ file: String) -> [String] {
        switch file {
        case "cisa_bod_26_04_1_0_0": ["in kev", "publicly exposed", "automatable", "technical impact"]
        case "cisa_coordinator_2_0_3":
            ["exploitation", "automatable", "technical impact", "mission and well-being impact"]
        case "human_impact_1_0_0": ["safety impact", "mission impact"]
        default: ["exploitation", "system exposure", "automatable", "human impact"]
        }
    }
}
