//! Encryption with certificates made here, which both sides show.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use hc_services::Redis;
use http_container::Error;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::{in_task, settings};
use crate::session::Session;

/// Files of one authority; they go with the value.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("hc-redis-tls-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        for (file, text) in
            [("ca.pem", authority.pem()), ("own.pem", certificate.pem()), ("own.key", key.serialize_pem())]
        {
            fs::write(folder.join(file), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, file: &str) -> String {
        self.0.join(file).display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_server_is_verified_and_wants_to_be_shown_a_certificate() {
    let files = Files::new();
    let (ca, certificate, key) = (files.path("ca.pem"), files.path("own.pem"), files.path("own.key"));
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let options = [
        "--tls-port",
        &port.to_string(),
        "--tls-ca-cert-file",
        &ca,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
    ];
    let Some(_server) = Redis::start_with("tls", &options) else { return };
    let whole = serde_json::json!({
        "url": format!("rediss://127.0.0.1:{port}"), "tls_ca_file": ca, "tls_cert_file": certificate, "tls_key_file": key,
    });
    let with = |key: &str, value: serde_json::Value| {
        let mut config = whole.clone();
        config[key] = value;
        config
    };
    for (config, expected) in [
        (whole.clone(), None),
        (with("tls_verify", "none".into()), None),
        (with("tls_ca_file", certificate.clone().into()), None),
        (with("url", format!("rediss://localhost:{port}").into()), Some("not valid for name \"localhost\"")),
        (with("url", format!("redis://127.0.0.1:{port}").into()), Some("")),
    ] {
        let (send, receive) = std::sync::mpsc::channel();
        let shown = config.to_string();
        in_task(move || {
            let (settings, send) = (settings(config.clone()), send.clone());
            async move { send.send(Session::open(&settings).await.err()).map_err(Error::from) }
        });
        let reason = receive.recv().unwrap();
        match expected {
            None => assert_eq!(reason, None, "{shown}"),
            Some(expected) => assert!(
                reason.as_ref().is_some_and(|reason| reason.contains(expected)),
                "{shown}: {reason:?}"
            ),
        }
    }
}
