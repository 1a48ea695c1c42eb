//! Encrypted connections.

use super::declare::group;
use crate::config::choice::choice;

choice! {
    /// Whether clients show a certificate.
    TlsAuth {
        /// They need not.
        No = "no",
        /// They must.
        Yes = "yes",
        /// They may; one that is shown must be good.
        Optional = "optional",
    }
}

group! {
    /// Encrypted connections.
    tls: Tls {
        /// Encrypted connections accepted at once (Redis 7.4).
        "max-new-tls-connections-per-cycle" max_new_connections_per_cycle: i64 = 1, integer(1, 1000).hidden().missing("TLS");
        /// Whether clients show a certificate.
        "tls-auth-clients" auth_clients: TlsAuth = TlsAuth::Yes, choice().missing("TLS");
        /// A folder of authorities.
        "tls-ca-cert-dir" ca_cert_dir: String = String::new(), text_or_none().missing("TLS");
        /// A file of authorities.
        "tls-ca-cert-file" ca_cert_file: String = String::new(), text_or_none().missing("TLS");
        /// Our certificate.
        "tls-cert-file" cert_file: String = String::new(), text_or_none().missing("TLS");
        /// Ciphers of TLS up to 1.2.
        "tls-ciphers" ciphers: String = String::new(), text_or_none().missing("TLS");
        /// Ciphers of TLS 1.3.
        "tls-ciphersuites" ciphersuites: String = String::new(), text_or_none().missing("TLS");
        /// Our certificate where we are the client.
        "tls-client-cert-file" client_cert_file: String = String::new(), text_or_none().missing("TLS");
        /// Its key.
        "tls-client-key-file" client_key_file: String = String::new(), text_or_none().missing("TLS");
        /// The password of that key.
        "tls-client-key-file-pass" client_key_file_pass: String = String::new(), text_or_none().missing("TLS");
        /// Whether the cluster bus is encrypted.
        "tls-cluster" cluster: bool = false, yes_no().missing("TLS");
        /// Parameters of Diffie and Hellman's exchange.
        "tls-dh-params-file" dh_params_file: String = String::new(), text_or_none().missing("TLS");
        /// The key of our certificate.
        "tls-key-file" key_file: String = String::new(), text_or_none().missing("TLS");
        /// The password of that key.
        "tls-key-file-pass" key_file_pass: String = String::new(), text_or_none().missing("TLS");
        /// The port; 0 means none.
        "tls-port" port: u16 = 0, integer(0, 65535).missing("TLS");
        /// Whether our order of ciphers counts.
        "tls-prefer-server-ciphers" prefer_server_ciphers: bool = false, yes_no().missing("TLS");
        /// Versions of the protocol.
        "tls-protocols" protocols: String = String::new(), text_or_none().missing("TLS");
        /// Whether replication is encrypted.
        "tls-replication" replication: bool = false, yes_no().missing("TLS");
        /// Sessions kept to be resumed.
        "tls-session-cache-size" session_cache_size: i64 = 20480, integer(0, i32::MAX as i64).missing("TLS");
        /// Seconds for which they are.
        "tls-session-cache-timeout" session_cache_timeout: i64 = 300, integer(0, i32::MAX as i64).missing("TLS");
        /// Whether they are.
        "tls-session-caching" session_caching: bool = true, yes_no().missing("TLS");
    }
}
