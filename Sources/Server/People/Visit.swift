import HTTPTypes
import Hummingbird

/// What a login needs of the request that carries it: its header fields and where it came from.
struct Visit: Sendable {
    let headers: HTTPFields
    let address: String

    init(headers: HTTPFields, address: String) {
        self.headers = headers
        self.address = address
    }

    init(_ request: Request, _ exchange: Exchange) {
        self.init(headers: request.headers, address: exchange.address)
    }
}
