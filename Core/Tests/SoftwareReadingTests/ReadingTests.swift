import Inventory
import PackageURLs
import SoftwareReading
import Testing

struct ReadingTests {
    private func names(_ found: FoundSoftware) -> [String] {
        found.packages.map { "\($0.package.name) \($0.package.version)" }
    }
    private func lock(_ name: String, _ text: String) throws -> FoundSoftware {
        try LockFile.read(Array(text.utf8), name: name)
    }

    /// The same host in the dialects of syft and Trivy.
    @Test func dialectsAgree() throws {
        let syft = """
            {"bomFormat": "CycloneDX", "components": [
              {"type": "library", "name": "libssl3", "version": "3.0.11-1~deb12u2+b1", "bom-ref": "r1",
               "cpe": "cpe:2.3:a:openssl:openssl:3.0.11:*:*:*:*:*:*:*",
               "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12&upstream=openssl"},
              {"type": "library", "name": "core", "purl": "pkg:npm/%40angular/core@1.0.0"},
              {"type": "library", "name": "x", "version": "1"}, {"type": "operating-system", "name": "debian", "version": "12"}]}
            """
        let trivy = """
            {"bomFormat": "CycloneDX", "components": [
              {"type": "operating-system", "name": "debian", "version": "12.5"},
              {"type": "library", "name": "libssl3", "purl": "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64&distro=debian-12.5",
               "properties": [{"name": "aquasecurity:trivy:SrcName", "value": "openssl"},
                 {"name": "aquasecurity:trivy:SrcVersion", "value": "3.0.11"},
                 {"name": "aquasecurity:trivy:SrcRelease", "value": "1~deb12u2"}]}]}
            """
        let first = try BillOfMaterials.read(Array(syft.utf8))
        #expect(names(first) == ["libssl3 3.0.11-1~deb12u2", "@angular/core 1.0.0"])
        #expect(first.skippedCount == 1 && first.packages[0].cpes == ["a:openssl:openssl"])
        let second = try BillOfMaterials.read(Array(trivy.utf8))
        for package in [first.packages[0].package, second.packages[0].package] {
            #expect(
                package.source == "openssl" && package.sourceVersion == "3.0.11-1~deb12u2"
                    && package.architecture == "amd64")
        }
    }

    @Test func readsSPDXAndOwners() throws {
        let text = """
            {"spdxVersion": "SPDX-2.3", "packages": [
              {"SPDXID": "a", "name": "python3-x", "versionInfo": "1.0-1", "externalRefs": [
                {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/python3-x@1.0-1?distro=debian-12&upstream=x%401.0-1"}]},
              {"SPDXID": "b", "name": "x", "versionInfo": "1.0", "externalRefs": [
                {"referenceType": "purl", "referenceLocator": "pkg:pypi/x@1.0"}]}],
             "relationships": [{"spdxElementId": "a", "relatedSpdxElement": "b", "relationshipType": "OTHER",
               "comment": "ownership-by-file-overlap: indicates"}]}
            """
        let found = try BillOfMaterials.read(Array(text.utf8))
        #expect(found.packages.map(\.owner) == [nil, "a"] && found.packages[0].package.source == "x")
        for bad in ["", "{}", "[1]", "{\"bomFormat\": 1}"] {
            #expect(throws: SoftwareReadingError.self) { try BillOfMaterials.read(Array(bad.utf8)) }
        }
    }

    @Test func rpmsKeepEpochSourceAndModule() throws {
        let url = try #require(
            PackageURL(
                "pkg:rpm/alma/nodejs@18.1.0-1.module_el9?arch=x86_64&epoch=1&distro=alma-9.3&upstream=nodejs-18.1.0-1.module_el9.src.rpm&modularitylabel=nodejs:18:9030:abc"
            ))
        let package = try #require(url.package(distribution: ""))
        #expect(package.version == "1:18.1.0-1.module_el9" && package.distribution == "almalinux-9.3")
        #expect(
            package.source == "nodejs" && package.sourceVersion == "1:18.1.0-1.module_el9"
                && package.module == "nodejs:18")
        let rebuilt = try #require(
            PackageURL("pkg:deb/debian/x@1.0-1%2Bb2?distro=debian-12")?.package(distribution: ""))
        #expect(rebuilt.version == "1.0-1+b2" && rebuilt.sourceVersion == "1.0-1")
    }

    @Test func readsLockFiles() throws {
        #expect(
            names(
                try lock(
                    "package-lock.json",
                    #"{"packages": {"": {"version": "1"}, "node_modules/a": {"version": "1.0.0"}, "node_modules/a/node_modules/@s/b": {"version": "2.0.0"}, "node_modules/l": {"link": true}}}"#
                ))
                == ["a 1.0.0", "@s/b 2.0.0"])
        #expect(
            names(
                try lock(
                    "package-lock.json",
                    #"{"dependencies": {"a": {"version": "1.0.0", "dependencies": {"b": {"version": "2.0.0"}}}}}"#))
                == ["a 1.0.0", "b 2.0.0"])
        #expect(
            names(
                try lock(
                    "yarn.lock",
                    "# yarn\n\n\"@s/a@^1.0\", \"@s/a@^1.1\":\n  version \"1.2.0\"\n  dependencies:\n    version \"9\"\n\nb@2:\n  version \"2.0.0\"\n"
                ))
                == ["@s/a 1.2.0", "b 2.0.0"])
        #expect(
            names(
                try lock(
                    "yarn.lock",
                    "__metadata:\n  version: 6\n\n\"a@npm:^1.0.0\":\n  version: 1.2.0\n\n\"w@workspace:.\":\n  version: 0.0.0-use.local\n"
                ))
                == ["a 1.2.0"])
        #expect(
            names(
                try lock(
                    "pnpm-lock.yaml",
                    "lockfileVersion: '9.0'\n\npackages:\n\n  '@s/a@1.0.0':\n    resolution: {}\n\n  b@2.0.0(a@1.0.0):\n    x: y\n\nsnapshots:\n\n  c@1.0.0:\n"
                ))
                == ["@s/a 1.0.0", "b 2.0.0"])
        #expect(
            names(
                try lock(
                    "Cargo.lock",
                    "version = 3\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n"
                ))
                == ["a 1.0.0", "b 2.0.0"])
        #expect(
            names(
                try lock(
                    "poetry.lock",
                    "[[package]]\nname = \"a\"\nversion = \"1.0\"\n\n[package.dependencies]\nname = \"no\"\nversion = \"9\"\n\n[metadata]\nname = \"x\"\n"
                ))
                == ["a 1.0"])
        let requirements = try lock(
            "requirements.txt",
            "a==1.0 ; python_version > '3'\n-r other\nb[x]==2.0 \\\n  --hash=sha256:1\nc>=1\n# d==1\n")
        #expect(names(requirements) == ["a 1.0", "b 2.0"] && requirements.skippedCount == 1)
        #expect(names(try lock("Pipfile.lock", #"{"default": {"a": {"version": "==1.0"}}}"#)) == ["a 1.0"])
        #expect(
            names(
                try lock(
                    "go.mod",
                    "module m\n\ngo 1.21.3\n\nrequire (\n\tgithub.com/a/b v1.2.3\n\tc.d/e v0.1.0 // indirect\n)\n\nreplace c.d/e => x.y/z v0.2.0\n"
                ))
                == ["stdlib 1.21.3", "github.com/a/b 1.2.3", "x.y/z 0.2.0"])
        #expect(names(try lock("go.sum", "a.b/c v1.0.0 h1:x\na.b/c v1.0.0/go.mod h1:y\n")) == ["a.b/c 1.0.0"])
        #expect(
            names(try lock("composer.lock", #"{"packages": [{"name": "A/b", "version": "v1.0"}], "packages-dev": []}"#))
                == ["a/b 1.0"])
        #expect(
            names(
                try lock(
                    "Gemfile.lock",
                    "GEM\n  remote: https://rubygems.org/\n  specs:\n    a (1.0)\n      b (>= 1)\n    b (2.0-x86_64-linux)\n\nPLATFORMS\n    c (1)\n"
                ))
                == ["a 1.0", "b 2.0"])
        #expect(names(try lock("gradle.lockfile", "# x\ng:a:1.0=compile\nempty=\n")) == ["g:a 1.0"])
        #expect(
            names(
                try lock(
                    "pubspec.lock",
                    "packages:\n  a:\n    dependency: x\n    version: \"1.0.0\"\nsdks:\n  b:\n    version: \"1\"\n"))
                == ["a 1.0.0"])
        #expect(names(try lock("mix.lock", "%{\n  \"a\": {:hex, :a, \"1.0.0\", \"hash\"},\n}\n")) == ["a 1.0.0"])
        #expect(
            names(try lock("packages.lock.json", #"{"dependencies": {"net8.0": {"A": {"resolved": "1.0.0"}}}}"#)) == [
                "A 1.0.0"
            ])
        #expect(
            names(
                try lock(
                    "Package.resolved",
                    #"{"pins": [{"location": "https://github.com/a/b.git", "state": {"version": "1.0.0"}}]}"#)) == [
                    "github.com/a/b 1.0.0"
                ])
        for (name, bad) in [("package-lock.json", "{"), ("nothing.lock", "")] {
            #expect(throws: SoftwareReadingError.self) { try lock(name, bad) }
        }
    }

    /// No text makes a reader crash.
    @Test func oddTextsAreRead() throws {
        var seed: UInt64 = 1
        let alphabet = Array("[[package]]\nname = \"@:/()v1.0{},=#\\-packages:\nGEM\n    a".utf8)
        for name in LockFile.names.sorted() {
            for _ in 0..<60 {
                let bytes = (0..<80).map { _ -> UInt8 in
                    seed = seed &* 6_364_136_223_846_793_005 &+ 1
                    return alphabet[Int(seed >> 33) % alphabet.count]
                }
                _ = try? LockFile.read(bytes, name: name)
            }
        }
    }

    @Test func readsApk() {
        let text = "P:libssl3\nV:3.1.4-r5\nA:x86_64\no:openssl\nF:lib\nR:x\n\nP:musl\nV:1.2-r0\nA:x86_64\n"
        let packages = AlpineDatabase.packages(Array(text.utf8), distribution: "alpine-3.19.1")
        #expect(
            packages.map(\.name) == ["libssl3", "musl"] && packages[0].source == "openssl"
                && packages[1].source == "musl")
    }
}
