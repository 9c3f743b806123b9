/// A number and what it counts: `1 host`, `2 hosts`.
func counted(_ number: Int64, _ one: String, _ many: String? = nil) -> String {
    "\(number) \(number == 1 ? one : many ?? one + "s")"
}
