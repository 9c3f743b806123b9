import JSON
public import Timestamps

extension Hosts {
    /// Takes a host in: asset, evidence, host, labels, certificate, audit leaf, event and outbox row, all or nothing.
    ///
    /// The caller consumes the token in the same transaction.
    public func enrol(_ new: NewHost, now: Timestamp) throws -> HostRecord {
        let asset: String
        if let known = new.asset {
            asset = known
        } else {
            asset = RandomID.make("a")
            try sql.execute(
                "INSERT INTO assets (organisation, id, kind, created_at) VALUES (?1, ?2, 'host', ?3)", new.organisation,
                asset, now)
        }
        try sql.assets.addEvidence(
            organisation: new.organisation, asset: asset, new.evidence, source: "host:\(new.id)", observed: now,
            now: now)
        try sql.execute(
            """
            INSERT INTO hosts (organisation, id, asset, hostname, labels, status, status_reason, enrolled_at,
                enrolled_with, state_version, check_in_interval, scan_interval, phase_salt, scan_request, renew_request,
                exchange_current, exchange_rotated_at, boot_id, agent_version, protocol_version, incarnation, next_report,
                operating_system, summary, pending_count, security_count, updated_at, change)
            VALUES (?1, ?2, ?3, ?4, ?5, 'active', '', ?6, ?7, 1, ?8, ?9, ?10, 0, 0, ?11, ?6, ?12, ?13, ?14, '', 1,
                '', '{}', 0, 0, ?6, \(sql.dialect.changeStamp))
            """, new.organisation, new.id, asset, new.hostname, Labels.text(new.labels), now, new.token, new.interval,
            new.scanInterval, new.salt, new.exchangeToken, new.bootID, new.agentVersion, new.protocolVersion)
        try insert(labels: new.labels, organisation: new.organisation, host: new.id)
        if let machine = new.evidence["machine-id"], let product = new.evidence["product-uuid"],
            let former = try matching(organisation: new.organisation, machineID: machine, productUUID: product)
                .first(where: { $0.id != new.id })
        {
            try sql.packageArrivals.take(over: former, by: new.id)
        }
        try insert(new.certificate, organisation: new.organisation, host: new.id)
        if let bootID = new.bootID {
            try sql.execute(
                "INSERT INTO host_boots (organisation, host, boot_id, first_seen) VALUES (?1, ?2, ?3, ?4)",
                new.organisation, new.id, bootID, now)
        }
        try sql.audit.append(
            organisation: new.organisation, actor: "token:\(new.token)", action: "host.enrolled",
            subject: "host:\(new.id)",
            detail: ["asset": .string(asset), "certificate": .string(new.certificate.serial)],
            personal: new.evidence.mapValues { .string($0) }, now: now)
        try sql.events.record(
            organisation: new.organisation, kind: "host.enrolled", subject: "host:\(new.id)",
            payload: ["asset": .string(asset)], now: now)
        try publish(organisation: new.organisation, host: new.id)
        guard let record = try show(organisation: new.organisation, id: new.id) else { throw HostError.unknown(new.id) }
        return record
    }
}
