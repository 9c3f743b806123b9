/// When each host was last scanned, beside when it was last seen: a host can check in while its scans fail.
let scanAges = Migration(
    number: 2, name: "scan ages",
    schema: """
        ALTER TABLE host_presence ADD COLUMN scanned_at {integer};
        """)
