import JSON

/// A mounted file system.
public struct DiskFacts: Hashable, Sendable {
    /// Where it is mounted: `/`, `/boot`.
    public var mountPoint: String
    /// What is mounted: `/dev/vda1`.
    public var device: String
    /// Its type: `ext4`.
    public var filesystem: String
    /// Its size in bytes.
    public var totalBytes: Int64
    /// What unprivileged processes may still fill, in bytes, in the steps of ``Steps``.
    public var freeBytes: Int64
    /// How many files it can hold; 0 where it sets no such bound.
    public var totalInodes: Int64
    /// How many more files it can hold, in the steps of ``Steps``.
    public var freeInodes: Int64
    /// Whether kernels or boot loaders are installed there: it holds /boot or /boot/efi.
    public var boot: Bool
    /// Whether it is mounted read-only.
    public var readOnly: Bool

    /// A file system with these fields.
    public init(
        mountPoint: String, device: String, filesystem: String, totalBytes: Int64, freeBytes: Int64,
        totalInodes: Int64, freeInodes: Int64, boot: Bool, readOnly: Bool
    ) {
        self.mountPoint = mountPoint
        self.device = device
        self.filesystem = filesystem
        self.totalBytes = totalBytes
        self.freeBytes = freeBytes
        self.totalInodes = totalInodes
        self.freeInodes = freeInodes
        self.boot = boot
        self.readOnly = readOnly
    }
}

/// Main memory.
public struct MemoryFacts: Hashable, Sendable {
    /// What the kernel manages, in bytes.
    public var totalBytes: Int64
    /// What processes could take without swapping, in bytes, in the steps of ``Steps``.
    public var availableBytes: Int64

    /// Memory with these fields.
    public init(totalBytes: Int64, availableBytes: Int64) {
        self.totalBytes = totalBytes
        self.availableBytes = availableBytes
    }
}

/// The processors.
public struct ProcessorFacts: Hashable, Sendable {
    /// How many the kernel schedules on.
    public var count: Int64
    /// The model's name; empty where the kernel tells none.
    public var model: String

    /// Processors with these fields.
    public init(count: Int64, model: String) {
        self.count = count
        self.model = model
    }
}

/// What the kernel's clock discipline says of the clock: adjtimex(2).
public struct ClockFacts: Hashable, Sendable {
    /// Whether something (NTP, PTP) keeps the clock synchronised.
    public var synchronised: Bool
    /// The bound of the clock's error in milliseconds, rounded up to 2000, 4000, 8000 or 16000; nil where nothing
    /// synchronises it, for then there is none.
    public var maximumErrorMilliseconds: Int64?

    /// A clock with these fields.
    public init(synchronised: Bool, maximumErrorMilliseconds: Int64?) {
        self.synchronised = synchronised
        self.maximumErrorMilliseconds = maximumErrorMilliseconds
    }
}

/// An address of global scope on a network interface.
public struct NetworkAddress: Hashable, Sendable, Comparable {
    /// The interface's name: `eth0`.
    public var interface: String
    /// The address in text form (RFC 5952 for IPv6).
    public var address: String
    /// The length of the network's prefix in bits.
    public var prefix: Int64

    /// An address with these fields.
    public init(interface: String, address: String, prefix: Int64) {
        self.interface = interface
        self.address = address
        self.prefix = prefix
    }

    /// By interface, address and prefix.
    public static func < (left: NetworkAddress, right: NetworkAddress) -> Bool {
        (left.interface, left.address, left.prefix) < (right.interface, right.address, right.prefix)
    }
}

/// What the firmware says of the machine (SMBIOS). A string is empty where the firmware leaves it out.
public struct HardwareFacts: Hashable, Sendable {
    /// Who made it.
    public var vendor: String
    /// What it is.
    public var product: String
    /// The firmware's version.
    public var firmwareVersion: String
    /// The firmware's date, as the firmware writes it: `04/01/2014`.
    public var firmwareDate: String
    /// The serial number; only root may read it.
    public var serial: Fact<String>
    /// The machine's UUID; only root may read it.
    public var productUUID: Fact<String>

    /// Hardware with these fields.
    public init(
        vendor: String, product: String, firmwareVersion: String, firmwareDate: String, serial: Fact<String>,
        productUUID: Fact<String>
    ) {
        self.vendor = vendor
        self.product = product
        self.firmwareVersion = firmwareVersion
        self.firmwareDate = firmwareDate
        self.serial = serial
        self.productUUID = productUUID
    }
}

extension DiskFacts: FactValue {
    var json: JSONValue {
        [
            "mountPoint": .string(mountPoint), "device": .string(device), "filesystem": .string(filesystem),
            "totalBytes": .integer(totalBytes), "freeBytes": .integer(freeBytes),
            "totalInodes": .integer(totalInodes), "freeInodes": .integer(freeInodes), "boot": .bool(boot),
            "readOnly": .bool(readOnly),
        ]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            mountPoint: try object.string("mountPoint", maximumBytes: 4096),
            device: try object.string("device", maximumBytes: 4096), filesystem: try object.string("filesystem"),
            totalBytes: try object.count("totalBytes"), freeBytes: try object.count("freeBytes"),
            totalInodes: try object.count("totalInodes"), freeInodes: try object.count("freeInodes"),
            boot: try object.bool("boot"), readOnly: try object.bool("readOnly"))
        try object.finish()
    }
}

extension MemoryFacts: FactValue {
    var json: JSONValue { ["totalBytes": .integer(totalBytes), "availableBytes": .integer(availableBytes)] }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(totalBytes: try object.count("totalBytes"), availableBytes: try object.count("availableBytes"))
        try object.finish()
    }
}

extension ProcessorFacts: FactValue {
    var json: JSONValue { ["count": .integer(count), "model": .string(model)] }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(count: try object.count("count"), model: try object.string("model"))
        try object.finish()
    }
}

extension ClockFacts: FactValue {
    var json: JSONValue {
        var fields: [String: JSONValue] = ["synchronised": .bool(synchronised)]
        if let maximumErrorMilliseconds { fields["maximumErrorMilliseconds"] = .integer(maximumErrorMilliseconds) }
        return .object(fields)
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            synchronised: try object.bool("synchronised"),
            maximumErrorMilliseconds: try object.optionalInteger("maximumErrorMilliseconds", in: 0...Int64.max))
        try object.finish()
    }
}

extension NetworkAddress: FactValue {
    var json: JSONValue {
        ["interface": .string(interface), "address": .string(address), "prefix": .integer(prefix)]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            interface: try object.string("interface", maximumBytes: 64),
            address: try object.string("address", maximumBytes: 64), prefix: try object.integer("prefix", in: 0...128))
        try object.finish()
    }
}

extension HardwareFacts: FactValue {
    var json: JSONValue {
        [
            "vendor": .string(vendor), "product": .string(product), "firmwareVersion": .string(firmwareVersion),
            "firmwareDate": .string(firmwareDate), "serial": serial.json, "productUUID": productUUID.json,
        ]
    }

    init(json: JSONValue, at pointer: String) throws(JSONError) {
        var object = try JSONObject(json, at: pointer)
        self.init(
            vendor: try object.string("vendor"), product: try object.string("product"),
            firmwareVersion: try object.string("firmwareVersion"), firmwareDate: try object.string("firmwareDate"),
            serial: try object.fact("serial"), productUUID: try object.fact("productUUID"))
        try object.finish()
    }
}
