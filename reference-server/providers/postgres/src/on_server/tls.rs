//! Encryption with certificates made here: who is let in, and who is not.

use std::fs;
use std::path::PathBuf;

use hc_services::{Postgres, PostgresSettings};
use http_container::Error;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::{in_task, settings, value};
use crate::drive::{Driven, drive};
use crate::open::{Opened, open};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, as PEM.
fn issued(authority: &Authority, names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, "hc");
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// Files for the URL to name; they go with the value.
struct Files(PathBuf);

impl Files {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("hc-postgres-tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        files.iter().for_each(|(file, text)| fs::write(folder.join(file), text).unwrap());
        Self(folder)
    }

    fn option(&self, option: &str, file: &str) -> String {
        format!("&{option}={}", self.0.join(file).display())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn server(
    name: &str,
    certificate: &(String, String),
    options: &[&str],
    access: &[&str],
    ca: &str,
) -> Option<Postgres> {
    let mut all = vec!["ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"];
    all.extend(options);
    let files: [(&str, &[u8]); 3] = [
        ("server.crt", certificate.0.as_bytes()),
        ("server.key", certificate.1.as_bytes()),
        ("ca.crt", ca.as_bytes()),
    ];
    Postgres::start_with(name, &PostgresSettings { options: &all, access, files: &files })
}

/// Whether the connection is encrypted, or why there is none.
fn outcome(url: String) -> Result<bool, String> {
    let (send, receive) = std::sync::mpsc::channel();
    in_task(move || {
        let (settings, send) = (settings(&url), send.clone());
        async move {
            let outcome = match open(&settings).await {
                Err(error) => Err(error.to_string()),
                Ok(Opened { session, mut link, .. }) => {
                    let text = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
                    match drive(&mut link, value(&session, text, &[])).await {
                        Driven::Done(shown) => {
                            Ok(shown.map_err(|failure| Error::new(failure.message))? == "Bool(true)")
                        }
                        Driven::Lost(failure) => Err(failure.message),
                    }
                }
            };
            send.send(outcome)?;
            Ok(())
        }
    });
    receive.recv().unwrap()
}

#[test]
fn a_server_is_verified_as_far_as_the_mode_says() {
    let (ours, another) = (authority("ours"), authority("another"));
    let certificate = issued(&ours, &["127.0.0.1"]);
    let Some(server) = server("tls", &certificate, &[], &[], "") else { return };
    let files = Files::new(
        "modes",
        &[("ours.pem", &ours.pem()), ("another.pem", &another.pem()), ("own.pem", &certificate.0)],
    );
    let (ours, another) =
        (files.option("sslrootcert", "ours.pem"), files.option("sslrootcert", "another.pem"));
    let own = files.option("sslrootcert", "own.pem");
    let with = |mode: &str, more: &str| outcome(format!("{}?sslmode={mode}{more}", server.url()));
    for (mode, more) in
        [("prefer", ""), ("require", ""), ("require", &ours), ("verify-ca", &ours), ("verify-full", &ours)]
    {
        assert_eq!(with(mode, more), Ok(true), "{mode}{more}");
    }
    assert_eq!(with("verify-full", &own), Ok(true));
    assert_eq!(with("disable", ""), Ok(false));
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = with(mode, &another).unwrap_err();
        assert!(error.contains("no TLS: invalid peer certificate: UnknownIssuer"), "{mode}: {error}");
    }
}

#[test]
fn a_certificate_for_another_name_is_refused_in_full_verification_only() {
    let ours = authority("ours");
    let Some(server) = server("tls-name", &issued(&ours, &["db.example"]), &[], &[], "") else { return };
    let files = Files::new("name", &[("ours.pem", &ours.pem())]);
    let root = files.option("sslrootcert", "ours.pem");
    let with = |mode: &str| outcome(format!("{}?sslmode={mode}{root}", server.url()));
    assert_eq!(with("verify-ca"), Ok(true));
    let error = with("verify-full").unwrap_err();
    assert!(error.contains("not valid for"), "{error}");
    // The name is the host's, wherever that is.
    let url = server.url().replace("127.0.0.1", "db.example");
    assert_eq!(outcome(format!("{url}?sslmode=verify-full&hostaddr=127.0.0.1{root}")), Ok(true));
}

#[test]
fn a_client_may_show_a_certificate_instead_of_a_password() {
    let ours = authority("ours");
    let (certificate, key) = issued(&ours, &["hc"]);
    let access = ["hostssl all hc 127.0.0.1/32 cert", "host all hc 127.0.0.1/32 reject"];
    let options = ["ssl_ca_file=ca.crt"];
    let Some(server) = server("tls-client", &issued(&ours, &["127.0.0.1"]), &options, &access, &ours.pem())
    else {
        return;
    };
    let files = Files::new("client", &[("hc.pem", &certificate), ("hc.key", &key)]);
    let url = format!("postgres://hc@{}/hc?sslmode=require", server.address());
    let shown = format!("{}{}", files.option("sslcert", "hc.pem"), files.option("sslkey", "hc.key"));
    assert_eq!(outcome(format!("{url}{shown}")), Ok(true));
    assert!(outcome(url).unwrap_err().contains("requires a valid client certificate"));
}
