import Timestamps
import Wire

extension AgentLoop {
    mutating func answered(
        _ answer: Answer, _ now: Moment, _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        guard cycle != nil else { return [] }
        do throws(ProtocolViolation) {
            let effects =
                switch answer {
                case .checkIn(let reply): try took(reply, now)
                case .reports(let reply, let sent): try took(reply, sent: sent)
                case .uploaded(let document, let result): took(document, result, now, &random)
                case .state(let state): try took(state, now)
                case .job(let answer, let question): took(answer, to: question)
                case .jobProgress(let reply, let progress): try took(reply, of: progress)
                case .changelogs(let reply, let report): try took(reply, to: report, now, &random)
                case .identity(let credentials, let token, let epoch):
                    try took(credentials, token: token, epoch: epoch, &random)
                }
            // The queue changes when the effects are performed; the shell tells, then asks to go on.
            return effects + (effects.contains(where: \.changesQueue) ? [] : proceed(now, &random))
        } catch {
            return renumberingFor(error, now) + failed(.violation(error), now, &random)
        }
    }

    /// Goes on with the cycle after effects that changed the queue were performed.
    public mutating func resume(now: Moment, random: inout some RandomNumberGenerator) -> [Effect] {
        proceed(now, &random)
    }

    // MARK: Check-in

    private mutating func took(_ reply: CheckInReply, _ now: Moment) throws(ProtocolViolation) -> [Effect] {
        guard reply.epoch >= memory.epoch else {
            throw ProtocolViolation.epochBehind(seen: memory.epoch, told: reply.epoch)
        }
        guard reply.expectedReport <= queue.next else {
            throw ProtocolViolation.acknowledgedUnsent(expected: reply.expectedReport, next: queue.next)
        }
        let restored = reply.epoch > memory.acknowledgedEpoch
        var effects: [Effect] = []
        if restored {
            // What a restored server expects it has from its backup or has guessed; neither acknowledges anything.
            // All that still waits is sent, under the numbers that it wants.
            if reply.expectedReport != queue.first {
                renumbers = true
                effects.append(.renumber(from: reply.expectedReport, newIncarnation: false))
            }
        } else if reply.expectedReport > sentThrough + 1 {
            throw ProtocolViolation.acknowledgedUnsent(expected: reply.expectedReport, next: sentThrough + 1)
        } else if reply.expectedReport > queue.first {
            effects.append(.acknowledge(below: reply.expectedReport))
        } else if reply.expectedReport < queue.first {
            // Another server of the same store may lag behind for seconds; if it is true, the next delivery shows it.
            refusals[ProtocolViolation.forgotAcknowledged(expected: 0, first: 0).name, default: 0] += 1
        }
        let before = memory
        memory.epoch = reply.epoch
        memory.acknowledgedEpoch = reply.epoch
        if restored { memory.acknowledged = nil }
        // The check-in was accepted, and with it the token that it bore.
        memory.previousToken = nil
        if let token = reply.exchangeToken, token != memory.exchangeToken {
            memory.previousToken = memory.exchangeToken
            memory.exchangeToken = token
        }
        if memory != before { effects.insert(.save, at: 0) }
        interval = reply.interval
        serverAhead = reply.serverTime.seconds(since: now.wall)
        cycle?.checkedIn = true
        cycle?.stateVersion = reply.stateVersion
        let behind = restored && reply.expectedReport < queue.first
        if reply.reportAll || behind, queue.isEmpty || !restored && reply.expectedReport == queue.next {
            if let digests = memory.digests, let lastScan {
                effects.append(.append(lastScan, digests, cause: "report-all"))
            } else {
                forceReport = true
                effects += wantScan("report-all", now)
            }
        }
        return effects
    }

    // MARK: Reports

    private mutating func took(_ reply: ReportReply, sent: [Report]) throws(ProtocolViolation) -> [Effect] {
        guard let first = sent.first?.sequence, let last = sent.last?.sequence else { return [] }
        sentThrough = max(sentThrough, last)
        guard reply.expectedReport <= last + 1 else {
            throw ProtocolViolation.acknowledgedUnsent(expected: reply.expectedReport, next: last + 1)
        }
        if reply.expectedReport < first {
            // The server was restored, or has lost something: the check-in tells which.
            guard cycle?.checkedIn == false else {
                throw ProtocolViolation.forgotAcknowledged(expected: reply.expectedReport, first: first)
            }
            cycle?.checkInFirst = true
            return []
        }
        for document in reply.needed {
            guard sent.contains(where: { $0.digests[document.document] == document.digest }) else {
                throw ProtocolViolation.askedForUnreported("\(document.document.rawValue) \(document.digest)")
            }
            guard cycle?.uploaded.contains(document) == false else {
                throw ProtocolViolation.askedAgain("\(document.document.rawValue) \(document.digest)")
            }
        }
        guard reply.expectedReport > first || !reply.needed.isEmpty else { throw ProtocolViolation.noProgress }
        var effects: [Effect] = []
        if reply.expectedReport > first {
            memory.acknowledged = sent[Int(reply.expectedReport - first) - 1].digests
            if let newest = memory.acknowledged, newest == memory.digests { rejections = Rejections() }
            effects += [.save, .acknowledge(below: reply.expectedReport)]
        }
        cycle?.uploads = reply.needed
        return effects
    }

    private mutating func took(
        _ document: NeededDocument, _ result: ServerLink.UploadResult, _ now: Moment,
        _ random: inout some RandomNumberGenerator
    ) -> [Effect] {
        switch result {
        case .rejected(let why): return rejected(document, why, now, &random)
        case .taken: cycle?.uploaded.insert(document)
        case .baseUnknown:
            cycle?.wholeOnly.insert(document)
            cycle?.uploads.insert(document, at: 0)
        }
        return []
    }

    /// Where the server's count cannot be reconciled with the host's, a new incarnation starts both anew.
    ///
    /// At most once an hour: a lying server gains nothing by it, but shall not keep the disk busy either.
    private mutating func renumberingFor(_ violation: ProtocolViolation, _ now: Moment) -> [Effect] {
        switch violation {
        case .acknowledgedUnsent, .forgotAcknowledged:
            if let last = lastRenumbering, now.uptime - last < 3_600_000 { return [] }
            lastRenumbering = now.uptime
            return [.renumber(from: 1, newIncarnation: true)]
        default: return []
        }
    }

    // MARK: State

    private mutating func took(_ state: DesiredState?, _ now: Moment) throws(ProtocolViolation) -> [Effect] {
        guard let state else { return [] }
        guard state.host == credentials.host, state.organisation == credentials.organisation else {
            throw ProtocolViolation.otherHost("\(state.host.prefix(64)) of \(state.organisation.prefix(64))")
        }
        guard state.epoch >= memory.epoch else {
            throw ProtocolViolation.epochBehind(seen: memory.epoch, told: state.epoch)
        }
        if let held = memory.state, held.epoch == state.epoch, state.version < held.version {
            throw ProtocolViolation.versionBehind(held: held.version, told: state.version)
        }
        let first = memory.state == nil
        memory.state = state
        memory.epoch = state.epoch
        interval = state.interval
        var effects: [Effect] = [.save, .trust(state.authorities), .order(JobOrders(state))]
        if first {
            // Requests from before this host's time are not for it.
            memory.renewRequest = max(memory.renewRequest, state.renewRequest)
            if lastScan != nil { memory.scanRequest = max(memory.scanRequest, state.scanRequest) }
        }
        if state.scanRequest > memory.scanRequest { effects += wantScan("requested", now) }
        return effects
    }

    // MARK: Identity

    private mutating func took(
        _ credentials: Credentials, token: String, epoch: Int64, _ random: inout some RandomNumberGenerator
    ) throws(ProtocolViolation) -> [Effect] {
        guard epoch >= memory.epoch else { throw ProtocolViolation.epochBehind(seen: memory.epoch, told: epoch) }
        self.credentials = credentials
        wantsComeBack = false
        drawRenewal(&random)
        memory.certificate = credentials.certificate
        if token != memory.exchangeToken {
            memory.previousToken = memory.exchangeToken
            memory.exchangeToken = token
        }
        memory.renewRequest = max(memory.renewRequest, memory.state?.renewRequest ?? 0)
        // The next exchange shall already bear the new certificate.
        return [.adoptIdentity, .save, .disconnect]
    }
}

extension AgentLoop.Effect {
    /// Whether the queue is another one afterwards.
    package var changesQueue: Bool {
        switch self {
        case .append, .acknowledge, .renumber, .drop: true
        default: false
        }
    }
}
