public import Inventory

extension HostTree {
    /// What the firmware says of the machine: /sys/class/dmi/id, else the device tree.
    public func hardware() -> Fact<HardwareFacts> {
        let folder = "\(sys)/class/dmi/id"
        do {
            _ = try Self.names(in: folder)
        } catch {
            guard let model = try? procText("device-tree/model", limit: 4096) else {
                return .unknown(error.description)
            }
            let why = "the device tree names none"
            return .known(
                HardwareFacts(
                    vendor: "", product: trimmed(model), firmwareVersion: "", firmwareDate: "",
                    serial: deviceTreeSerial(), productUUID: .unknown(why)))
        }
        func text(_ name: String) -> String { String(((try? sysText("class/dmi/id/\(name)")) ?? "").prefix(255)) }
        func secret(_ name: String) -> Fact<String> {
            do {
                return .known(String(try sysText("class/dmi/id/\(name)").prefix(255)))
            } catch {
                return .unknown(error.description)
            }
        }
        return .known(
            HardwareFacts(
                vendor: text("sys_vendor"), product: text("product_name"), firmwareVersion: text("bios_version"),
                firmwareDate: text("bios_date"), serial: secret("product_serial"), productUUID: secret("product_uuid")))
    }

    private func deviceTreeSerial() -> Fact<String> {
        do {
            return .known(trimmed(try procText("device-tree/serial-number", limit: 4096)))
        } catch {
            return .unknown(error.description)
        }
    }
}
