import Priority
import Testing

@testable import Server

extension ServerTests {
    /// What is kept of selections that people asked for.
    @Suite struct RiskSelectionTests {
        @Test func onlyTheLastFewAreWorkedOutAgain() {
            let lists = RiskLists()
            var made: [Int] = []
            func ask(_ count: Int) {
                _ = lists.selection(count: count) {
                    made.append(count)
                    return PatchSelection([], maximumCount: count)
                }
            }
            for count in [1, 2, 3, 1, 4] { ask(count) }
            #expect(made == [1, 2, 3, 4] && lists.selectionCounts == [4, 1, 3])
            ask(2)
            #expect(made == [1, 2, 3, 4, 2] && lists.selectionCounts == [2, 4, 1], "it was let go")
        }
    }
}
