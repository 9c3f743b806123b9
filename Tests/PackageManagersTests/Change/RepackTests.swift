import Foundation
import PackageManagers
import Testing

/// The way back where the installed version has left the archive: dpkg-repack makes its package anew from the host's files.
@Suite struct RepackTests {
    @Test func aVersionThatIsNowhereAnyMoreIsPackedAgain() throws {
        let held = try HeldRoot("repack")
        // 1.0 was installed from a file; its configuration was changed here since.
        try held.sh(
            """
            rm -rf /etc/apt/sources.list.d/* /etc/apt/sources.list
            make() {
                rm -rf /tmp/tree; mkdir -p /tmp/tree/DEBIAN /tmp/tree/etc /tmp/tree/usr/share/tb-gone
                printf 'Package: tb-gone\\nVersion: %s\\nArchitecture: all\\nMaintainer: x <x@x.example>\\nDescription: x\\n' $1 \
                    >/tmp/tree/DEBIAN/control
                echo "of $1" >/tmp/tree/usr/share/tb-gone/data
                echo "of 1.0" >/tmp/tree/etc/tb-gone.conf
                echo /etc/tb-gone.conf >/tmp/tree/DEBIAN/conffiles
                chmod 755 /tmp/tree/DEBIAN
                mkdir -p /srv/own
                dpkg-deb --root-owner-group -Zgzip -b /tmp/tree /srv/own/tb-gone_$1_all.deb >/dev/null
            }
            make 1.0; dpkg -i /srv/own/*.deb; rm /srv/own/*.deb; make 1.1
            echo mine >>/etc/tb-gone.conf
            cd /srv/own; deb=tb-gone_1.1_all.deb
            dpkg-deb -f $deb >Packages
            echo "Filename: ./$deb\nSize: $(stat -c %s $deb)\nSHA256: $(sha256sum $deb | cut -d " " -f 1)" >>Packages
            echo 'deb [trusted=yes] copy:/srv/own ./' >/etc/apt/sources.list.d/own.list; apt-get -q update
            """)
        let change = held.change
        let plan = change.plan(goals("tb-gone=1.1"))
        #expect(plan.refusal == nil, "\(plan.message)")
        let prefetch = try change.prefetch(plan)
        #expect(prefetch.hasWayBack, "\(prefetch.message)")
        #expect(prefetch.old.map(\.source) == [.repacked] && prefetch.old.map(\.version) == ["1.0"])
        let before = try change.state()

        let run = try change.start(.apply, plan: plan, number: 1)
        #expect(change.wait(for: run, seconds: 60).isSuccess)
        #expect(try held.dpkg("tb-gone") == "1.1 installed")
        #expect(try held.sh("cat /usr/share/tb-gone/data") == "of 1.1\n")
        let back = try change.rollBack(plan, firstNumber: 2, seconds: 60, lockWait: 5) { _, _ in }
        #expect(back.isDone, "\(back.message)")
        #expect(try held.dpkg("tb-gone") == "1.0 installed")
        #expect(try held.sh("cat /usr/share/tb-gone/data /etc/tb-gone.conf") == "of 1.0\nof 1.0\nmine\n")
        #expect(try held.sh("dpkg --audit; dpkg --verify tb-gone | grep -v ' c ' || true").isEmpty)
        let now = try change.state()
        #expect(
            now.differences(from: before, outside: plan, allowing: [], includingOwnConfiguration: true).isEmpty)
    }
}
