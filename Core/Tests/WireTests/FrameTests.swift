import JSON
import Testing
import Timestamps
import Wire

@Suite struct FrameTests {
    private let frames = [
        Frame(.scanRequest, text: "start"), Frame(HostDocument.offers, [1, 2, 3]), Frame(.changed),
        Frame(HostDocument.set, Array(repeating: 7, count: 70_000)),
        Frame(.observation, Observation(observed: Timestamp(seconds: 5), bootID: "b").json.canonicalBytes()),
    ]

    @Test(arguments: [1, 2, 5, 1000, 1_000_000])
    func framesSurviveAnyCutting(piece: Int) throws {
        let stream = frames.flatMap(\.encoded)
        var decoder = FrameDecoder()
        var read: [Frame] = []
        var start = 0
        while start < stream.count {
            decoder.append(stream[start..<min(start + piece, stream.count)])
            while let frame = try decoder.next() { read.append(frame) }
            start += piece
        }
        #expect(read == frames)
        #expect(decoder.isAtBoundary)
        #expect(read[1].document?.kind == .offers)
        #expect(read[1].document?.bytes == [1, 2, 3])
    }

    @Test func aCutStreamGivesNothingMore() throws {
        let whole = frames[0].encoded
        for length in 0..<whole.count {
            var decoder = FrameDecoder()
            decoder.append(whole.prefix(length))
            #expect(try decoder.next() == nil)
            #expect(decoder.isAtBoundary == (length == 0))
        }
    }

    @Test(arguments: Frame.Kind.allCases)
    func aLengthOverTheKindsLimitIsRefusedBeforeItsBytesCome(kind: Frame.Kind) {
        let length = UInt32(kind.maximumBytes + 1)
        var decoder = FrameDecoder()
        decoder.append([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) } + [kind.rawValue])
        #expect(throws: FrameError.tooLong(kind, kind.maximumBytes + 1)) { try decoder.next() }
    }

    @Test func anUnknownKindIsRefused() {
        var decoder = FrameDecoder()
        decoder.append([0, 0, 0, 0, 99])
        #expect(throws: FrameError.unknownKind(99)) { try decoder.next() }
    }
}
