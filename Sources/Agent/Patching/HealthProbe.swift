import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import Rollout

/// Asks the questions of a plan's health checks; a check that cannot run has failed.
protocol HealthProbing: Sendable {
    /// Asks once: nil where the check passed, else why not.
    func failure(of check: HealthCheck) -> String?
}

/// The checks on this host.
struct HealthProbe: HealthProbing {
    let services: any ServiceControl

    func failure(of check: HealthCheck) -> String? {
        switch check.probe {
        case .command(let command):
            let run = BoundedRun(command: ["/bin/sh", "-c", command], timeout: check.timeout, grace: 2).run()
            guard !run.end.isSuccess else { return nil }
            return run.end.text + (run.lastLine.isEmpty ? "" : ": \(run.lastLine)")
        case .tcp(let address, let port):
            return Self.connectFailure(address, port, check.timeout)
        case .http(let address, let port, let path, let status):
            return Self.httpFailure(address, port, path, status, check.timeout)
        case .unit(let unit):
            switch services.isActive(unit) {
            case true?: return nil
            case false?: return "\(unit) is not active"
            case nil: return "whether \(unit) is active cannot be told: systemd does not answer"
            }
        }
    }

    private static func bootstrap(_ timeout: Int64) -> ClientBootstrap {
        ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(.seconds(timeout))
    }

    private static func connectFailure(_ address: String, _ port: Int64, _ timeout: Int64) -> String? {
        do {
            let channel = try bootstrap(timeout).connect(host: address, port: Int(port)).wait()
            channel.close(promise: nil)
            return nil
        } catch {
            return "\(address) port \(port): \(reason(error))"
        }
    }

    private static func httpFailure(
        _ address: String, _ port: Int64, _ path: String, _ status: Int64, _ timeout: Int64
    ) -> String? {
        let place = "http://\(address):\(port)\(path)"
        do {
            let promise = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Int.self)
            let channel: any Channel
            do {
                channel = try bootstrap(timeout)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHTTPClientHandlers()
                            try channel.pipeline.syncOperations.addHandler(StatusHandler(promise))
                        }
                    }
                    .connect(host: address, port: Int(port)).wait()
            } catch {
                promise.fail(error)
                throw error
            }
            let task = channel.eventLoop.scheduleTask(in: .seconds(timeout)) {
                promise.fail(ChannelError.connectTimeout(.seconds(timeout)))
                channel.close(promise: nil)
            }
            var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path.isEmpty ? "/" : path)
            head.headers = ["host": "\(address):\(port)", "connection": "close", "user-agent": "fettle-agent"]
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            defer {
                task.cancel()
                channel.close(promise: nil)
            }
            let answered = try promise.futureResult.wait()
            return answered == Int(status) ? nil : "\(place) answers \(answered), not \(status)"
        } catch {
            return "\(place): \(reason(error))"
        }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? IOError { return SystemError("connect", "", code: error.errnoCode).reason }
        if let error = error as? NIOConnectionError {
            return error.connectionErrors.first.map { reason($0.error) } ?? "it has no address"
        }
        if case .connectTimeout? = error as? ChannelError { return "no answer in time" }
        return "\(error)"
    }

    private final class StatusHandler: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart
        private let promise: EventLoopPromise<Int>
        init(_ promise: EventLoopPromise<Int>) { self.promise = promise }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if case .head(let head) = unwrapInboundIn(data) { promise.succeed(Int(head.status.code)) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            promise.fail(error)
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { promise.fail(ChannelError.eof) }
    }
}
