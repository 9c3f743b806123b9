import Rollout

/// What the server keeps. A transaction works on a copy and replaces the whole.
struct ServerStore {
    var campaigns: [Campaign] = []
    /// The jobs of each campaign, in the order of their making.
    var jobsOf: [[String]] = []
    var jobs: [String: HostJob] = [:]
    var hostOf: [String: Int] = [:]
    var campaignOf: [String: Int] = [:]
    /// The jobs of each host,
    var jobsOn: [[String]]
    /// and its last attempt in each campaign.
    var latestID: [[String?]] = []
    /// The highest fence of each host.
    var fences: [Int64]
    var budget: Int64
    /// Hosts that are excluded or quarantined.
    var excluded: Set<Int> = []
    var works: [Int: Bool] = [:]
    var audits: Int64 = 0
    var auditHead: UInt64 = 0
    /// The budget with which the last batch of each campaign's ring began: a higher one is for the next.
    var batchBudget: [String: Int64] = [:]

    init(hosts: Int, budget: Int64) {
        fences = Array(repeating: 0, count: hosts)
        jobsOn = Array(repeating: [], count: hosts)
        self.budget = budget
    }

    /// The last attempt of a host in a campaign.
    func latest(_ campaign: Int, _ host: Int) -> HostJob? { latestID[campaign][host].flatMap { jobs[$0] } }

    func permits(_ campaign: Int, _ state: Permit.State) -> Int64 {
        Int64(jobsOf[campaign].count { jobs[$0]?.permit?.state == state })
    }

    /// Adds an audit record to its chain.
    mutating func audit(_ word: String, of subject: String? = nil) -> Fact {
        audits += 1
        for byte in word.utf8 { auditHead = (auditHead ^ UInt64(byte)) &* 0x100_0000_01B3 }
        auditHead = auditHead &+ UInt64(audits)
        return .audited(word: word, of: subject, sequence: audits, head: auditHead)
    }
}
