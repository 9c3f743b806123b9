public import JSON
public import Orders

/// What a desired state orders of the host, on its way from the network process to the executor.
public struct JobOrders: Hashable, Sendable {
    /// The server's epoch.
    public var epoch: Int64
    /// The signed roles document; nil where no orders are given.
    public var roles: Envelope?
    /// The jobs.
    public var jobs: [JobOffer]

    /// These orders.
    public init(epoch: Int64, roles: Envelope?, jobs: [JobOffer]) {
        self.epoch = epoch
        self.roles = roles
        self.jobs = jobs
    }

    /// The orders of that state.
    public init(_ state: DesiredState) {
        self.init(epoch: state.epoch, roles: state.roles, jobs: state.jobs)
    }

    /// The orders as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["epoch": .integer(epoch), "jobs": .array(jobs.map(\.json))]
        if let roles { fields["roles"] = roles.json }
        return .object(fields)
    }

    /// Reads orders.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(epoch: try object.integer("epoch", in: 0...Int64.max), roles: nil, jobs: [])
        if let value = object.optionalValue("roles") { roles = try Envelope(json: value, at: "/roles") }
        for (index, job) in try object.array("jobs", maximumCount: DesiredState.maximumJobs).enumerated() {
            jobs.append(try JobOffer(json: job, at: "/jobs/\(index)"))
        }
        try object.finish()
    }
}

/// What a job asks the server.
public enum JobQuestionKind: String, CaseIterable, Sendable {
    /// For its grant.
    case claim
    /// Whether the grant still stands: for a ticket.
    case confirm
}

/// A job's question on its way to the network process, which adds the exchange token.
public struct RelayedQuestion: Hashable, Sendable {
    /// Which job.
    public var job: String
    /// What it asks.
    public var kind: JobQuestionKind
    /// 32 hexadecimal digits drawn for this question.
    public var nonce: String
    /// The highest fence that was journaled; of the grant itself in a confirmation.
    public var fence: Int64

    /// A question.
    public init(job: String, kind: JobQuestionKind, nonce: String, fence: Int64) {
        self.job = job
        self.kind = kind
        self.nonce = nonce
        self.fence = fence
    }

    /// The question as JSON.
    public var json: JSONValue {
        ["job": .string(job), "kind": .string(kind.rawValue), "nonce": .string(nonce), "fence": .integer(fence)]
    }

    /// Reads a question.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        let kind = try object.string("kind", maximumBytes: 16)
        guard let value = JobQuestionKind(rawValue: kind) else {
            throw JSONError.unexpected(pointer: "/kind", expected: "claim or confirm", found: kind)
        }
        self.init(
            job: try object.jobID("job"), kind: value, nonce: try object.string("nonce", maximumBytes: 64),
            fence: try object.integer("fence", in: 0...Int64.max))
        try object.finish()
    }
}

/// The server's answer to a ``RelayedQuestion``, or why there is none.
public struct RelayedAnswer: Hashable, Sendable {
    /// The question.
    public var question: RelayedQuestion
    /// The answer; without order and time the server will not answer otherwise later.
    public var answer: JobAnswer

    /// An answer.
    public init(question: RelayedQuestion, answer: JobAnswer) {
        self.question = question
        self.answer = answer
    }

    /// The answer as JSON.
    public var json: JSONValue { ["question": question.json, "answer": answer.json(.current)] }

    /// Reads an answer.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            question: try RelayedQuestion(json: object.value("question")),
            answer: try JobAnswer(json: object.value("answer"), .current))
        try object.finish()
    }
}

/// What is new of a job, on its way to the network process, which adds the exchange token.
public struct RelayedProgress: Hashable, Sendable {
    /// Which job.
    public var job: String
    /// The message; its exchange token is empty.
    public var progress: JobProgress

    /// Progress of that job.
    public init(job: String, progress: JobProgress) {
        self.job = job
        self.progress = progress
    }

    /// The progress as JSON.
    public var json: JSONValue { ["job": .string(job), "progress": progress.json(.current)] }

    /// Reads progress.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            job: try object.jobID("job"), progress: try JobProgress(json: object.value("progress"), .current))
        try object.finish()
    }
}

/// What the server has of a job.
public struct RelayedReply: Hashable, Sendable {
    /// Which job.
    public var job: String
    /// What it has; nil where it refuses the job's records for good.
    public var reply: JobProgressReply?
    /// Why; empty where it does not.
    public var refusal: String

    /// What the server says of that job.
    public init(job: String, reply: JobProgressReply?, refusal: String = "") {
        self.job = job
        self.reply = reply
        self.refusal = refusal
    }

    /// The reply as JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = ["job": .string(job), "refusal": .string(refusal)]
        if let reply { fields["reply"] = reply.json(.current) }
        return .object(fields)
    }

    /// Reads a reply.
    public init(json: JSONValue) throws(JSONError) {
        var object = try JSONObject(json)
        self.init(
            job: try object.jobID("job"), reply: nil, refusal: try object.string("refusal", maximumBytes: 4096))
        if let value = object.optionalValue("reply") { reply = try JobProgressReply(json: value, .current) }
        try object.finish()
    }
}

extension JSONObject {
    /// A job's name: 32 hexadecimal digits. It becomes part of paths, so that nothing else is taken.
    mutating func jobID(_ key: String) throws(JSONError) -> String {
        let text = try string(key, maximumBytes: 64)
        guard JobOffer.isJobID(text) else {
            throw JSONError.unexpected(pointer: pointer(to: key), expected: "32 hexadecimal digits", found: text)
        }
        return text
    }
}

extension JobOffer {
    /// Whether a text is a job's name: 32 small hexadecimal digits.
    public static func isJobID(_ text: String) -> Bool {
        text.utf8.count == 32
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
