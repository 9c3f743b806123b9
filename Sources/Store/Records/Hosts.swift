public import Digest
import JSON
public import Timestamps

/// The hosts. Every function that changes one updates ``Store/directory`` once it is committed.
public struct Hosts {
    let sql: Transaction

    /// The host of that id; nil where the organisation has none.
    public func show(organisation: String, id: String) throws -> HostRecord? {
        try sql.first(
            "SELECT \(HostRecord.columns) FROM \(HostRecord.source) WHERE hosts.organisation = ?1 AND hosts.id = ?2",
            organisation, id
        ) { row in try HostRecord(&row) }
    }

    /// The host that a certificate was issued to, and that certificate, revoked and expired ones included.
    public func find(serial: String) throws -> (host: HostRecord, certificate: HostCertificate)? {
        let found = try sql.first(
            "SELECT organisation, host FROM certificates WHERE serial = ?1", serial
        ) { row in (try row.text(), try row.text()) }
        guard let (organisation, id) = found, let host = try show(organisation: organisation, id: id),
            let certificate = try certificates(organisation: organisation, host: id).first(where: {
                $0.serial == serial
            })
        else { return nil }
        return (host, certificate)
    }

    /// Hosts of the organisation whose machine gave the same machine id and the same product UUID, the newest first:
    /// perhaps the same machine that enrols again, perhaps a copy of its disk. The server decides.
    public func matching(organisation: String, machineID: String, productUUID: String) throws -> [HostRecord] {
        try sql.rows(
            """
            SELECT \(HostRecord.columns) FROM \(HostRecord.source) WHERE hosts.organisation = ?1
                AND EXISTS (SELECT 1 FROM identity_evidence e WHERE e.organisation = hosts.organisation
                    AND e.asset = hosts.asset AND e.kind = 'machine-id' AND e.value = ?2 AND e.retracted_at IS NULL)
                AND EXISTS (SELECT 1 FROM identity_evidence e WHERE e.organisation = hosts.organisation
                    AND e.asset = hosts.asset AND e.kind = 'product-uuid' AND e.value = ?3 AND e.retracted_at IS NULL)
            ORDER BY enrolled_at DESC, hosts.id
            """, organisation, machineID, productUUID
        ) { row in try HostRecord(&row) }
    }

    /// The certificates of a host, the newest first.
    public func certificates(organisation: String, host: String) throws -> [HostCertificate] {
        try sql.rows(
            """
            SELECT serial, key_digest, not_before, not_after, issued_at, revoked_at, revocation_reason FROM certificates
            WHERE organisation = ?1 AND host = ?2 ORDER BY issued_at DESC, serial
            """, organisation, host
        ) { row in
            var certificate = HostCertificate(
                serial: try row.text(), keyDigest: try row.digest(), notBefore: try row.timestamp(),
                notAfter: try row.timestamp(), issuedAt: try row.timestamp())
            certificate.revokedAt = try row.optionalTimestamp()
            certificate.revocationReason = try row.optionalText()
            return certificate
        }
    }

    /// The boots that a host told of, the newest first.
    public func boots(organisation: String, host: String) throws -> [(bootID: String, firstSeen: Timestamp)] {
        try sql.rows(
            """
            SELECT boot_id, first_seen FROM host_boots WHERE organisation = ?1 AND host = ?2
            ORDER BY first_seen DESC, boot_id
            """, organisation, host
        ) { row in (try row.text(), try row.timestamp()) }
    }

    // MARK: - What the agent's messages change

    /// Keeps a certificate that was issued at a renewal or a return.
    public func addCertificate(
        organisation: String, host: String, _ certificate: HostCertificate, actor: String, now: Timestamp
    ) throws {
        try insert(certificate, organisation: organisation, host: host)
        try touch(organisation: organisation, host: host, now: now)
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "certificate.issued", subject: "host:\(host)",
            detail: ["serial": .string(certificate.serial), "notAfter": .string(certificate.notAfter.description)],
            now: now)
    }

    /// Sets a new exchange token; the one that was current becomes the previous one.
    public func rotateExchangeToken(
        organisation: String, host: String, to digest: SHA256Digest, now: Timestamp
    ) throws {
        try change(
            organisation, host,
            "exchange_previous = exchange_current, exchange_current = ?4, exchange_rotated_at = ?3", [digest.sqlValue],
            now)
    }

    /// Seeds a token without a previous one: at a return, and after a restore of the server.
    public func seedExchangeToken(organisation: String, host: String, to digest: SHA256Digest, now: Timestamp) throws {
        try change(
            organisation, host, "exchange_previous = NULL, exchange_current = ?4, exchange_rotated_at = ?3",
            [digest.sqlValue], now)
    }

    /// Forgets the previous exchange token, once the current one was used.
    public func confirmExchangeToken(organisation: String, host: String, now: Timestamp) throws {
        try change(organisation, host, "exchange_previous = NULL", [], now)
    }

    /// Notes what a check-in told that differs: boot, agent version, protocol. Nil leaves a value.
    public func noteAgent(
        organisation: String, host: String, bootID: String?, agentVersion: String?, protocolVersion: Int64?,
        now: Timestamp
    ) throws {
        guard let record = try show(organisation: organisation, id: host) else { throw HostError.unknown(host) }
        if let bootID, bootID != record.bootID {
            let new = try sql.execute(
                """
                INSERT INTO host_boots (organisation, host, boot_id, first_seen) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (organisation, host, boot_id) DO NOTHING
                """, organisation, host, bootID, now)
            if new > 0 {
                try sql.events.record(
                    organisation: organisation, kind: "host.booted", subject: "host:\(host)",
                    payload: ["bootID": .string(bootID)], now: now)
            }
        }
        if let agentVersion, agentVersion != record.agentVersion {
            try sql.events.record(
                organisation: organisation, kind: "host.agent-changed", subject: "host:\(host)",
                payload: ["from": .string(record.agentVersion), "to": .string(agentVersion)], now: now)
        }
        try change(
            organisation, host,
            """
            boot_id = coalesce(?4, boot_id), agent_version = coalesce(?5, agent_version),
            protocol_version = coalesce(?6, protocol_version)
            """,
            [
                bootID?.sqlValue ?? .null, agentVersion?.sqlValue ?? .null, protocolVersion?.sqlValue ?? .null,
            ], now)
    }

    /// Whether a boot id is one that the host told of before its current one.
    public func hadBoot(organisation: String, host: String, bootID: String) throws -> Bool {
        try sql.first(
            "SELECT count(*) FROM host_boots WHERE organisation = ?1 AND host = ?2 AND boot_id = ?3", organisation,
            host,
            bootID
        ) { row in try row.bool() } ?? false
    }

    // MARK: - What operators and the server change

    /// Changes what the host is asked to do; its desired state gets a new version.
    public func setIntervals(
        organisation: String, host: String, interval: Int64? = nil, scanInterval: Int64? = nil, now: Timestamp
    ) throws {
        try change(
            organisation, host,
            """
            check_in_interval = coalesce(?4, check_in_interval), scan_interval = coalesce(?5, scan_interval),
            state_version = state_version + 1
            """, [interval?.sqlValue ?? .null, scanInterval?.sqlValue ?? .null], now)
    }

    /// Asks for a scan at the next check-in.
    public func requestScan(organisation: String, host: String, now: Timestamp) throws {
        try change(
            organisation, host, "scan_request = scan_request + 1, state_version = state_version + 1", [], now)
    }

    /// Asks for a renewal of the certificate at the next check-in.
    public func requestRenewal(organisation: String, host: String, now: Timestamp) throws {
        try change(
            organisation, host, "renew_request = renew_request + 1, state_version = state_version + 1", [], now)
    }

    /// Gives the desired state a new version, because something outside the record changed it (the CA, say).
    public func bumpState(organisation: String, host: String, now: Timestamp) throws {
        try change(organisation, host, "state_version = state_version + 1", [], now)
    }

    /// Gives the desired state a new version because the host's jobs changed.
    ///
    /// - Parameter from: from when on the host shall check in often; nil where it has no open job.
    public func setJobs(organisation: String, host: String, from: Timestamp?, now: Timestamp) throws {
        try change(
            organisation, host, "jobs_from = ?4, state_version = state_version + 1", [from?.sqlValue ?? .null], now)
    }

    /// The same for every host that may talk to the server; returns how many.
    @discardableResult
    public func bumpAllStates(now: Timestamp) throws -> Int {
        let hosts = try sql.rows("SELECT organisation, id FROM hosts WHERE status = 'active'") { row in
            (try row.text(), try row.text())
        }
        for (organisation, id) in hosts { try bumpState(organisation: organisation, host: id, now: now) }
        return hosts.count
    }

    /// Replaces the labels.
    public func setLabels(
        organisation: String, host: String, _ labels: [String: String], actor: String, now: Timestamp
    ) throws {
        try change(organisation, host, "labels = ?4", [Labels.text(labels).sqlValue], now)
        try sql.execute("DELETE FROM host_labels WHERE organisation = ?1 AND host = ?2", organisation, host)
        try insert(labels: labels, organisation: organisation, host: host)
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "host.labelled", subject: "host:\(host)",
            detail: ["labels": .object(labels.mapValues { .string($0) })], now: now)
    }

    /// Sets whether the host may talk to the server. Revoking and retiring void its certificates.
    ///
    /// - Parameters:
    ///   - reason: for people; kept beside the status, with each certificate, and in the audit log.
    ///   - actor: who decided: `server` where it was a rule.
    public func setStatus(
        organisation: String, host: String, _ status: HostStatus, reason: String, actor: String, now: Timestamp
    ) throws {
        if status == .revoked || status == .retired {
            try sql.execute(
                """
                UPDATE certificates SET revoked_at = ?3, revocation_reason = ?4
                WHERE organisation = ?1 AND host = ?2 AND revoked_at IS NULL
                """, organisation, host, now, reason)
        }
        try change(
            organisation, host, "status = ?4, status_reason = ?5", [status.rawValue.sqlValue, reason.sqlValue], now)
        let action = status == .active ? "host.released" : "host.\(status.rawValue)"
        try sql.audit.append(
            organisation: organisation, actor: actor, action: action, subject: "host:\(host)",
            detail: ["reason": .string(reason)], now: now)
        try sql.events.record(
            organisation: organisation, kind: action, subject: "host:\(host)", payload: ["reason": .string(reason)],
            now: now)
    }

    /// Lets the host's next exchange token through, whichever it is: a new one is given for it then, and a copy's is
    /// refused. A host whose token is older than the last two (a disk set back) could not come back otherwise.
    public func forgiveExchangeToken(organisation: String, host: String, now: Timestamp) throws {
        try change(organisation, host, "exchange_rotated_at = 0", [], now)
    }

    /// Voids one certificate; the host goes on with its others.
    public func revokeCertificate(
        organisation: String, host: String, serial: String, reason: String, actor: String, now: Timestamp
    ) throws {
        let changed = try sql.execute(
            """
            UPDATE certificates SET revoked_at = ?4, revocation_reason = ?5
            WHERE organisation = ?1 AND host = ?2 AND serial = ?3 AND revoked_at IS NULL
            """, organisation, host, serial, now, reason)
        guard changed > 0 else { return }
        try touch(organisation: organisation, host: host, now: now)
        try sql.audit.append(
            organisation: organisation, actor: actor, action: "certificate.revoked", subject: "host:\(host)",
            detail: ["serial": .string(serial), "reason": .string(reason)], now: now)
    }

    // MARK: - Below

    /// Changes columns of one host: `?1` to `?3` are organisation, host and now, the parameters follow.
    @discardableResult
    func change(
        _ organisation: String, _ host: String, _ assignments: String, _ parameters: [SQLValue], _ now: Timestamp
    ) throws -> HostRecord {
        let changed = try sql.rows(
            """
            UPDATE hosts SET \(assignments), updated_at = ?3, change = \(sql.dialect.changeStamp)
            WHERE organisation = ?1 AND id = ?2 RETURNING \(HostRecord.returned)
            """, list: [organisation.sqlValue, host.sqlValue, now.sqlValue] + parameters
        ) { row in try HostRecord(&row) }
        guard let record = changed.first else { throw HostError.unknown(host) }
        try publish(record)
        return record
    }

    /// Stamps a host whose certificates changed.
    func touch(organisation: String, host: String, now: Timestamp) throws {
        try change(organisation, host, "status = status", [], now)
    }

    /// Shows the host to check-ins once the transaction is committed.
    func publish(organisation: String, host: String) throws {
        guard let record = try show(organisation: organisation, id: host) else { return }
        try publish(record)
    }

    private func publish(_ record: HostRecord) throws {
        let certificates = try certificates(organisation: record.organisation, host: record.id)
        let directory = sql.caches.directory
        sql.onCommit { directory.apply([HostDirectory.Entry(host: record, certificates: certificates)]) }
    }

    func insert(_ certificate: HostCertificate, organisation: String, host: String) throws {
        try sql.execute(
            """
            INSERT INTO certificates (organisation, host, serial, key_digest, not_before, not_after, issued_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """, organisation, host, certificate.serial, certificate.keyDigest, certificate.notBefore,
            certificate.notAfter, certificate.issuedAt)
    }

    func insert(labels: [String: String], organisation: String, host: String) throws {
        for (name, value) in labels.sorted(by: { $0.key < $1.key }) {
            try sql.execute(
                "INSERT INTO host_labels (organisation, host, name, value) VALUES (?1, ?2, ?3, ?4)", organisation, host,
                name, value)
        }
    }
}

extension Transaction {
    /// The hosts.
    public var hosts: Hosts { Hosts(sql: self) }
}
