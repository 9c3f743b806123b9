public import NIOCore
import NIOHTTPTypes

/// Holds one connection to its times and sizes: a slow or endless peer costs a socket for a bounded time only.
///
/// The first request's head must arrive soon after the connection opens (handshake included), each request must be
/// whole within its time, and a kept connection may idle for a while. A response given before the request was
/// whole ends the connection: what still comes is thrown away for a moment, so that the peer can read the answer.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Phase {
        case waiting
        case reading(bytes: Int)
        case answering
        case discarding
    }

    private let times: ServerLimits
    private var phase = Phase.waiting
    private var timer: Scheduled<Void>?

    init(times: ServerLimits) {
        self.times = times
    }

    func handlerAdded(context: ChannelHandlerContext) {
        arm(context, times.firstRequestTime)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), phase) {
        case (_, .discarding): return
        case (.head, _):
            phase = .reading(bytes: 0)
            arm(context, times.requestTime)
        case (.body(let part), .reading(let bytes)):
            let total = bytes + part.readableBytes
            phase = .reading(bytes: total)
            // Handlers refuse at their own, lower limits; this bounds what they would have to read past.
            if total > times.connectionBodyBytes { return context.close(promise: nil) }
        case (.end, _):
            phase = .answering
            arm(context, times.answerTime)
        default: break
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            switch phase {
            case .reading:
                phase = .discarding
                context.writeAndFlush(data, promise: promise)
                context.close(mode: .output, promise: nil)
                arm(context, times.lingerTime)
                return
            default:
                phase = .waiting
                arm(context, times.idleTime)
            }
        }
        // A long answer may take its time as long as the peer takes it: the next part is made when the last was sent.
        if case .body = unwrapOutboundIn(data), case .answering = phase { arm(context, times.answerTime) }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A stop does not wait for a peer that is still sending as long as it may otherwise take.
        if event is ChannelShouldQuiesceEvent { arm(context, times.quiesceTime) }
        context.fireUserInboundEventTriggered(event)
    }

    private func arm(_ context: ChannelHandlerContext, _ time: TimeAmount) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
    }
}

/// What a peer may cost the server.
public struct ServerLimits: Sendable {
    /// From opening the connection to the head of the first request.
    public var firstRequestTime: TimeAmount = .seconds(15)
    /// From a request's head to its end.
    public var requestTime: TimeAmount = .seconds(60)
    /// From a request's end to the end of its answer.
    public var answerTime: TimeAmount = .seconds(60)
    /// Between an answer and the next request.
    public var idleTime: TimeAmount = .seconds(120)
    /// How long what a refused peer still sends is thrown away.
    public var lingerTime: TimeAmount = .seconds(2)
    /// How long a request in work may go on when the server stops.
    public var quiesceTime: TimeAmount = .seconds(6)
    /// Bytes of one message's body.
    public var messageBytes = 256 << 10
    /// Bytes of one document.
    public var documentBytes = 16 << 20
    /// Bytes after which a connection is cut whatever the handler says.
    public var connectionBodyBytes = 18 << 20
    /// Bytes of all header fields of a request.
    public var headerBytes = 16 << 10
    /// Header fields of a request.
    public var headerCount = 64
    /// Open connections of a listener.
    public var connections = 20_000
    /// Open connections of a listener from one address. High, because a whole site of hosts may come from one address
    /// (NAT), each with a connection that it keeps; what one host may have in work is bounded by its certificate instead.
    public var connectionsPerAddress = 2_000
    /// Open connections of people and their programs.
    public var webConnections = 2_000
    /// Open connections of people and their programs from one address.
    public var webConnectionsPerAddress = 200
    /// Enrolments, returns and challenges a second, and as many at once.
    public var enrolmentsPerSecond = 20
    /// Requests of agents in work at once, above which the server sheds load.
    public var requestsInWork = 2_000
    /// Requests to the API and for pages in a minute by one principal (or, where nobody is signed in, one address), and as
    /// many at once; ten times as many from one address in all. The Unix socket is not limited.
    public var apiRequestsPerMinute = 6_000
    /// Of these, requests of one host: an agent has one connection and asks one thing at a time.
    public var requestsInWorkPerHost = 16
    /// Enrolments, returns and challenges in work at once.
    public var enrolmentsInWork = 400
    /// Of these, those from one address, behind which a whole site may stand.
    public var enrolmentsInWorkPerAddress = 100
    /// Bytes of reports and documents of one host in an hour. A host with its three documents is a megabyte or two, and
    /// a change sends a delta: this many is a defect or an attack.
    public var uploadBytesPerHour = 256 << 20
    /// How many records of jobs' journals the server takes of one host in an hour, for each is an entry of the audit log: a
    /// whole journal and some.
    public var jobRecordsPerHour = 12_000

    /// The limits of a server on a small machine.
    public init() {}
}
