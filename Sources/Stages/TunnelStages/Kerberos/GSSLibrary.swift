import CGSSAPI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The system's GSS-API, opened when something wants it: a program that never does needs none.
///
/// `@unchecked Sendable`: functions of a library that stays open, which never change. MIT's may be called on any thread.
struct GSSLibrary: @unchecked Sendable {
    let importName: gss_import_name_function
    let releaseName: gss_release_name_function
    let acquire: gss_acquire_function
    let acquireWithPassword: gss_acquire_with_password_function
    let acquireFrom: gss_acquire_from_function
    let releaseCredentials: gss_release_credentials_function
    let initContext: gss_init_context_function
    let deleteContext: gss_delete_context_function
    let releaseBytes: gss_release_bytes_function
    let displayStatus: gss_display_status_function
    private let indicateMechanisms: gss_indicate_mechanisms_function
    private let releaseSet: gss_release_set_function
    private let testMember: gss_test_member_function

    /// MIT's, whose number is that of its ABI.
    static let file = "libgssapi_krb5.so.2"

    /// Opened once for the process; nil where it isn't installed, or is another one.
    static let shared = GSSLibrary(file)

    init?(_ file: String) {
        // Its own names first: a program may have been linked with another Kerberos.
        guard let library = dlopen(file, RTLD_NOW | RTLD_LOCAL) else { return nil }
        func find<Function>(_ name: String, _ type: Function.Type = Function.self) -> Function? {
            dlsym(library, name).map { unsafeBitCast($0, to: type) }
        }
        guard let importName: gss_import_name_function = find("gss_import_name"),
            let releaseName: gss_release_name_function = find("gss_release_name"),
            let acquire: gss_acquire_function = find("gss_acquire_cred"),
            let acquireWithPassword: gss_acquire_with_password_function = find("gss_acquire_cred_with_password"),
            let acquireFrom: gss_acquire_from_function = find("gss_acquire_cred_from"),
            let releaseCredentials: gss_release_credentials_function = find("gss_release_cred"),
            let initContext: gss_init_context_function = find("gss_init_sec_context"),
            let deleteContext: gss_delete_context_function = find("gss_delete_sec_context"),
            let releaseBytes: gss_release_bytes_function = find("gss_release_buffer"),
            let displayStatus: gss_display_status_function = find("gss_display_status"),
            let indicateMechanisms: gss_indicate_mechanisms_function = find("gss_indicate_mechs"),
            let releaseSet: gss_release_set_function = find("gss_release_oid_set"),
            let testMember: gss_test_member_function = find("gss_test_oid_set_member")
        else { return nil }
        self.importName = importName
        self.releaseName = releaseName
        self.acquire = acquire
        self.acquireWithPassword = acquireWithPassword
        self.acquireFrom = acquireFrom
        self.releaseCredentials = releaseCredentials
        self.initContext = initContext
        self.deleteContext = deleteContext
        self.releaseBytes = releaseBytes
        self.displayStatus = displayStatus
        self.indicateMechanisms = indicateMechanisms
        self.releaseSet = releaseSet
        self.testMember = testMember
    }

    /// Whether the library, or a part that is installed for it, speaks that.
    func speaks(_ mechanism: GSSObject) -> Bool {
        var minor: gss_status = 0
        var set: UnsafeMutablePointer<gss_object_id_set>?
        guard indicateMechanisms(&minor, &set) == 0, set != nil else { return false }
        defer { _ = releaseSet(&minor, &set) }
        return mechanism.withID { id in
            var isMember: CInt = 0
            return testMember(&minor, id, set, &isMember) == 0 && isMember != 0
        }
    }

    /// What the mechanism says of its code, in its own words.
    func text(of code: gss_status, _ mechanism: GSSObject) -> String {
        var minor: gss_status = 0
        var more: UInt32 = 0
        var text = gss_bytes()
        let status = mechanism.withID { displayStatus(&minor, code, gss_code_of_mechanism, $0, &more, &text) }
        guard status == 0 else { return "" }
        return take(&text).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The bytes, which the library has given away; nil for none.
    func take(_ bytes: inout gss_bytes) -> [UInt8]? {
        guard let value = bytes.value else { return nil }
        let copy = Array(UnsafeRawBufferPointer(start: value, count: bytes.length))
        var minor: gss_status = 0
        _ = releaseBytes(&minor, &bytes)
        return copy
    }
}

/// An object identifier of a mechanism or of a kind of name, as DER has it without its head.
struct GSSObject: Sendable, Hashable {
    let bytes: [UInt8]

    /// 1.2.840.113554.1.2.2 (RFC 4121).
    static let kerberos = GSSObject(bytes: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x02])
    /// 1.3.6.1.4.1.311.2.2.10.
    static let ntlm = GSSObject(bytes: [0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0A])
    /// 1.3.6.1.5.5.2 (RFC 4178).
    static let spnego = GSSObject(bytes: [0x2B, 0x06, 0x01, 0x05, 0x05, 0x02])
    /// `service@host` (RFC 2744, 4.2).
    static let service = GSSObject(bytes: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x01, 0x04])
    /// A user's name (RFC 2744, 4.1).
    static let user = GSSObject(bytes: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x12, 0x01, 0x02, 0x01, 0x01])

    func withID<Result>(_ body: (UnsafeMutablePointer<gss_object_id>) -> Result) -> Result {
        var bytes = bytes
        return bytes.withUnsafeMutableBytes { raw in
            var id = gss_object_id(length: UInt32(raw.count), elements: raw.baseAddress)
            return body(&id)
        }
    }

    func withSet<Result>(_ body: (UnsafeMutablePointer<gss_object_id_set>) -> Result) -> Result {
        withID { id in
            var set = gss_object_id_set(count: 1, elements: id)
            return body(&set)
        }
    }
}
