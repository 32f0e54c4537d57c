import Testing

@testable import Filters

@Suite struct PasswordHashTests {
    /// Made with Python's hashlib.
    private static let scrypt =
        "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg"
    private static let pbkdf2 =
        "$pbkdf2-sha256$i=210000$AAECAwQFBgcICQoLDA0ODw$KzXzfGgCPjNSmILayf7fD0dCkqlOO5GnTZkUnYgPS1g"

    @Test(arguments: [scrypt, pbkdf2])
    func fitsWhatAnotherProgramMade(_ text: String) throws {
        let hash = try #require(PasswordHash(text))
        #expect(hash.fits("pässword"))
        #expect(!hash.fits("password"))
        #expect(!hash.fits(""))
        #expect(!hash.fits("pässword\0"))
        #expect(hash.text == text)
    }

    @Test func whatIsMadeIsReadAgainAndSaltedAnew() throws {
        let function = PasswordHash.Function.scrypt(logCost: 10, blockSize: 8, parallelism: 1)
        let first = try PasswordHash(password: "secret", function: function)
        let second = try PasswordHash(password: "secret", function: function)
        #expect(first.text != second.text)
        #expect(PasswordHash(first.text) == first)
        #expect(first.fits("secret") && !first.fits("Secret"))
        #expect(!PasswordHash(fittingNothing: function).fits("secret"))
    }

    @Test(arguments: [
        "", "secret", "$scrypt$", "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw",
        "$bcrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$AAAA",
        // No protection, or too much work for whoever is to verify it.
        "$scrypt$ln=1,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg",
        "$scrypt$ln=20,r=32,p=1$AAECAwQFBgcICQoLDA0ODw$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg",
        "$scrypt$ln=14,r=8,p=99$AAECAwQFBgcICQoLDA0ODw$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg",
        "$scrypt$ln=14,ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg",
        "$scrypt$ln=-14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg",
        "$scrypt$ln=14,r=8,p=1$AA$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg",
        "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw==$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg",
        "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$AAAA",
        "$pbkdf2-sha256$i=1$AAECAwQFBgcICQoLDA0ODw$KzXzfGgCPjNSmILayf7fD0dCkqlOO5GnTZkUnYgPS1g",
        "$pbkdf2-sha256$i=99999999999999999999$AAECAwQFBgcICQoLDA0ODw$KzXzfGgCPjNSmILayf7fD0dCkqlOO5GnTZkUnYgPS1g",
    ])
    func refuses(_ text: String) {
        #expect(PasswordHash(text) == nil)
    }
}

@Suite struct UsersFileTests {
    private let hash = "$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$UDPF+c6UAbOfYLbXfh5BLsQrn+UidWRbQyyDP5iuTDg"

    @Test func keepsCommentsAndOrderWhenItIsChanged() throws {
        var file = try UsersFile("# who\r\nalice:\(hash)\n\nbob smith:\(hash)\n")
        #expect(file.users.keys.sorted() == ["alice", "bob smith"])
        let new = try PasswordHash(password: "x", function: .scrypt(logCost: 10, blockSize: 8, parallelism: 1))
        file.set("alice", new)
        file.set("carol", new)
        let removed = file.remove("bob smith")
        #expect(removed)
        let removedAgain = file.remove("bob smith")
        #expect(!removedAgain)
        #expect(file.text == "# who\nalice:\(new.text)\n\ncarol:\(new.text)\n")
        #expect(try UsersFile(file.text).users == file.users)
    }

    @Test(arguments: [
        ("alice", "line 1: a line is NAME:HASH"), ("# a\n:x", "line 2: the name is empty, too long, or has a control character"),
        ("alice:secret", "line 1: what follows 'alice:' is no hash that 'fluidity passwd' writes"),
    ])
    func refuses(_ text: String, _ problem: String) {
        #expect { try UsersFile(text) } throws: { "\($0)" == problem }
    }

    @Test func refusesAUserTwice() {
        #expect { try UsersFile("a:\(hash)\na:\(hash)\n") } throws: { "\($0)" == "line 2: 'a' is there twice" }
    }
}
