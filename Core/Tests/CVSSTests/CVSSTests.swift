import CVSS
import Testing

struct CVSSTests {
    @Test(
        arguments: [
            ("AV:N/AC:L/Au:N/C:N/I:N/A:C", "2.0", "7.8", CVSSSeverity.high, "CVSS-B"),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "3.0", "9.8", .critical, "CVSS-B"),
            ("CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:N/E:F/RL:X", "3.1", "3.7", .low, "CVSS-BT"),
            ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", "3.1", "0.0", .none, "CVSS-B"),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:A", "4.0", "10.0", .critical,
                "CVSS-BT"
            ),
            (
                "CVSS:4.0/AV:A/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:N/SC:N/SI:N/SA:N/MSI:S/S:P", "4.0", "9.7", .critical,
                "CVSS-BE"
            ),
            (
                "CVSS:4.0/AV:A/AC:L/AT:N/PR:L/UI:A/VC:L/VI:L/VA:N/SC:N/SI:N/SA:H/E:X/CR:X", "4.0", "4.1", .medium,
                "CVSS-B"
            ),
        ] as [(String, String, String, CVSSSeverity, String)])
    func scored(text: String, version: String, score: String, severity: CVSSSeverity, nomenclature: String) throws {
        let vector = try CVSSVector.parse(text)
        #expect(vector.version.rawValue == version)
        #expect(vector.scores.overall.description == score)
        #expect(vector.severity == severity)
        #expect(vector.nomenclature == nomenclature)
    }

    @Test(
        arguments: [
            ("CVSS:3.1/AV:X/AC:H/PR:H/UI:R/S:U/C:N/I:N/A:N", "AV", 12, "one of N, A, L, P"),
            ("CVSS:3.1/AV:N/AC:H/PR:H/UI:R/S:U/C:N/I:N", "A", 40, "missing"),
            ("CVSS:3.1/AV:N/AV:N", "AV", 14, "twice"), ("CVSS:3.1/ZZ:N", "ZZ", 9, "no such metric"),
            ("AV:N/Au:N/AC:L/C:N/I:N/A:C", "AC", 10, "before Au"), ("CVSS:3.2/AV:N", nil, 5, "3.0/, 3.1/ or 4.0/"),
            ("", nil, 0, "METRIC:VALUE"), ("CVSS:4.0/", nil, 9, "METRIC:VALUE"), ("AV:N/", nil, 5, "METRIC:VALUE"),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C/E:F", "RL", 30, "group"),
            (String(repeating: "A", count: 600), nil, 512, "longer"),
        ] as [(String, String?, Int, String)])
    func errorsNameTheMetric(text: String, metric: String?, offset: Int, reason: String) {
        let error = #expect(throws: CVSSError.self) { try CVSSVector.parse(text, strictness: .strict) }
        #expect(error?.metric == metric)
        #expect(error?.offset == offset)
        #expect(error?.reason.contains(reason) == true, "\(error?.description ?? "")")
        #expect(error?.description.hasPrefix("not a CVSS vector: ") == true)
    }

    @Test func metricsAreReadByName() throws {
        let vector = try CVSSVector.parse("CVSS:3.1/S:U/AV:N/AC:L/PR:H/UI:N/C:L/I:L/A:N/E:F")
        #expect(vector["AV"] == "N" && vector["E"] == "F" && vector["RL"] == nil && vector["nothing"] == nil)
        #expect(vector.description == "CVSS:3.1/AV:N/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:N/E:F")
    }

    /// Making an impact worse never lowers a base score of version 4.
    @Test func version4IsMonotonicInImpact() throws {
        for scope in ["N", "L", "H"] {
            var last = 0
            for impact in ["N", "L", "H"] {
                let text = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:\(impact)/VI:L/VA:L/SC:\(scope)/SI:N/SA:N"
                let tenths = try CVSSVector.parse(text).scores.base.tenths
                #expect(tenths >= last)
                last = tenths
            }
        }
    }
}
