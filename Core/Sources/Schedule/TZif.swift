/// Reads the compiled zones of `/usr/share/zoneinfo`: TZif of versions 1 to 4 (RFC 8536, RFC 9636).
extension Zone {
    /// The most bytes of a zone's file; the largest of tzdb has 4,000.
    public static let maximumFileBytes = 1 << 17
    /// The most changes of a table.
    public static let maximumTransitions = 5000

    /// Reads a zone from its file's bytes. Zones that count leap seconds are refused: instants here do not.
    public init(name: String, tzif bytes: [UInt8]) throws(ScheduleError) {
        var reader = TZifReader(name: name, bytes: bytes)
        self = try reader.zone()
    }
}

private struct TZifReader {
    var name: String
    var bytes: [UInt8]
    var at = 0

    private struct Header {
        var version: UInt8
        var isUTCount, isStdCount, leapCount, timeCount, typeCount, charCount: Int

        func blockSize(_ timeSize: Int) -> Int {
            timeCount * (timeSize + 1) + typeCount * 6 + charCount + leapCount * (timeSize + 4) + isStdCount + isUTCount
        }
    }

    mutating func zone() throws(ScheduleError) -> Zone {
        guard Zone.isValidName(name) else { throw bad("its name is none") }
        guard bytes.count <= Zone.maximumFileBytes else { throw bad("it has \(bytes.count) bytes") }
        var header = try self.header()
        var timeSize = 4
        if header.version >= 0x32 {
            let size = header.blockSize(4)
            guard bytes.count - at >= size else { throw bad("it ends in its first block") }
            at += size
            header = try self.header()
            timeSize = 8
        }
        guard bytes.count - at >= header.blockSize(timeSize) else { throw bad("it ends in its data") }
        guard header.leapCount == 0 else { throw bad("it counts leap seconds; use the zone without `right/`") }
        let zone = try block(header, timeSize)
        at += header.isStdCount + header.isUTCount
        guard timeSize == 8 else { return zone }
        return Zone(
            name: name, table: zone.table, initialOffset: zone.initialOffset, rule: try footer())
    }

    private mutating func header() throws(ScheduleError) -> Header {
        guard bytes.count - at >= 44, bytes[at..<at + 4].elementsEqual("TZif".utf8) else {
            throw bad("it does not begin as TZif (RFC 8536)")
        }
        let version = bytes[at + 4]
        guard version == 0 || (0x32...0x34).contains(version) else { throw bad("its version \(version) is unknown") }
        var counts: [Int] = []
        for index in 0..<6 { counts.append(Int(number(at + 20 + 4 * index, 4))) }
        at += 44
        let header = Header(
            version: version, isUTCount: counts[0], isStdCount: counts[1], leapCount: counts[2], timeCount: counts[3],
            typeCount: counts[4], charCount: counts[5])
        guard (0...Zone.maximumTransitions).contains(header.timeCount), (1...256).contains(header.typeCount),
            (0...2048).contains(header.charCount), (0...256).contains(header.isUTCount),
            (0...256).contains(header.isStdCount), (0...256).contains(header.leapCount)
        else { throw bad("its counts are out of bounds") }
        return header
    }

    private mutating func block(_ header: Header, _ timeSize: Int) throws(ScheduleError) -> Zone {
        let times = at
        let indexes = times + header.timeCount * timeSize
        let types = indexes + header.timeCount
        var offsets: [Int] = []
        for index in 0..<header.typeCount {
            let offset = Int(Int32(truncatingIfNeeded: number(types + 6 * index, 4)))
            guard (-93_599...93_599).contains(offset) else { throw bad("an offset of \(offset) seconds") }
            offsets.append(offset)
        }
        var table: [Zone.Transition] = []
        var before = offsets[0]
        var last = Int64.min
        for index in 0..<header.timeCount {
            let time = number(times + timeSize * index, timeSize)
            let type = Int(bytes[indexes + index])
            guard time > last || index == 0, type < offsets.count else { throw bad("its table is not in order") }
            last = time
            // Changes of a name or of the summer flag only are none here; but the first entry also ends "before".
            if offsets[type] != before { table.append(.init(at: time, before: before, after: offsets[type])) }
            before = offsets[type]
        }
        // The rule holds after the last entry, even one that changes no offset.
        if last > .min, table.last?.at != last { table.append(.init(at: last, before: before, after: before)) }
        at = types + 6 * header.typeCount + header.charCount
        return Zone(name: name, table: table, initialOffset: offsets[0], rule: nil)
    }

    private mutating func footer() throws(ScheduleError) -> PosixZoneRule? {
        guard at < bytes.count, bytes[at] == 0x0A, let end = bytes[(at + 1)...].firstIndex(of: 0x0A) else {
            throw bad("it ends before its rule")
        }
        let text = bytes[(at + 1)..<end]
        if text.isEmpty { return nil }
        guard let rule = PosixZoneRule(text) else {
            throw bad("its rule \"\(String(decoding: text.prefix(64), as: UTF8.self))\" cannot be read")
        }
        return rule
    }

    /// A signed big-endian number.
    private func number(_ start: Int, _ size: Int) -> Int64 {
        var value: UInt64 = 0
        for index in start..<start + size { value = value << 8 | UInt64(bytes[index]) }
        return size == 8 ? Int64(bitPattern: value) : Int64(Int32(truncatingIfNeeded: value))
    }

    private func bad(_ reason: String) -> ScheduleError {
        ScheduleError(
            .badZone, "the zone \(name.prefix(64)) cannot be used: \(reason); reinstall tzdata or name another")
    }
}
