import Agent
import Foundation
import Glibc
import Inventory
import JSON
import Testing
import Timestamps
import Wire

/// The real network process on a real folder; the test is its executor.
@Suite struct NetworkProcessTests {
    /// The executor's end of a socket pair, with a network process in a thread of its own at the other.
    private final class Peer {
        let place = TemporaryFolder()
        private let socket: Int32
        private var decoder = FrameDecoder()
        private let ended = DispatchSemaphore(value: 0)

        init() throws {
            var pair: [Int32] = [-1, -1]
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
            socket = pair[0]
            let folder = try place.folder
            let store = IdentityStore(folder)
            // Nobody listens there.
            let identity = try TestAuthority().identity(port: 9)
            try store.prepare(identity.key)
            try store.save(identity, newKey: true)
            let (path, end, ended) = (place.path, pair[1], ended)
            Thread {
                defer { ended.signal() }
                var options = NetworkProcess.Options()
                options.startDelay = 600
                guard let folder = try? DurableFolder(path),
                    let process = try? NetworkProcess(socket: end, folder: folder, options: options)
                else { return }
                try? process.run()
                close(end)
            }.start()
        }

        deinit {
            close(socket)
            ended.wait()
        }

        func send(_ frames: Frame...) {
            for bytes in frames.map(\.encoded) {
                #expect(bytes.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) } == bytes.count)
            }
        }

        /// The next frame from the network process; nil where none comes within the time.
        func next(seconds: Double = 10) throws -> Frame? {
            while true {
                if let frame = try decoder.next() { return frame }
                var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                guard poll(&descriptor, 1, Int32(seconds * 1000)) > 0 else { return nil }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let got = read(socket, &buffer, buffer.count)
                guard got > 0 else { return nil }
                decoder.append(buffer.prefix(got))
            }
        }

        /// A scan's result, as the executor passes it on.
        func sendScan(_ name: String) {
            var facts = HostFacts(agentVersion: "1")
            facts.hostname = .known(name)
            let observation = Observation(observed: Moment.now().wall, bootID: "b")
            send(
                Frame(.set, SoftwareSet([]).document.bytes),
                Frame(.offers, OfferSet(indexes: [], offers: [], installedFrom: [:]).document.bytes),
                Frame(.facts, facts.bytes), Frame(.observation, observation.json.canonicalBytes()))
        }

        func waiting() throws -> Int { try ReportQueue(DurableFolder(place.path)).reports.count }
    }

    @Test func aScanBecomesAReportOnTheDisk() throws {
        let peer = try Peer()
        #expect(try peer.next()?.text == "start")
        peer.sendScan("a")
        // It says nothing; the next request shows that the one before was taken.
        peer.send(Frame(.changed))
        #expect(try peer.next()?.text == "changed")
        #expect(try peer.waiting() == 1)
        peer.send(Frame(.scanFailed, text: "no"))
        peer.send(Frame(.changed))
        #expect(try peer.next()?.text == "changed")
        #expect(try peer.waiting() == 1)
    }

    /// The loop counts a scan as asked for once it has said so: were the request lost with the report that could not be
    /// written, none would ever be asked for again.
    @Test func aScanThatIsDueIsAskedForAlthoughTheDiskFails() throws {
        let peer = try Peer()
        #expect(try peer.next()?.text == "start")
        // Something changes while the host is scanned, so that a second scan follows the first.
        peer.send(Frame(.changed))
        let documents = peer.place.path + "/documents"
        var moved = false
        for _ in 0..<500 where !moved {
            moved = rename(documents, documents + ".away") == 0
            if !moved { usleep(10_000) }
        }
        #expect(moved)
        peer.sendScan("a")
        #expect(try peer.next()?.text == "changed")
        #expect(try peer.waiting() == 0)
        #expect(rename(documents + ".away", documents) == 0)
        peer.sendScan("a")
        peer.send(Frame(.changed))
        #expect(try peer.next()?.text == "changed")
        #expect(try peer.waiting() == 1)
    }
}
