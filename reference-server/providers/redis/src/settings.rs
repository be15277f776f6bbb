//! The operator's configuration: a URL as Redis' own tools take it, and what has no place in one. Must not connect.

use std::path::PathBuf;

use hc_connect::{Place, Tls, TlsOptions, Verification};
use http_container::Error;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// How a connection names itself to the server unless it is told otherwise.
const CLIENT_NAME: &str = "http-container";
const PORT: u16 = 6379;

/// The provider's configuration, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `redis://user:password@host:port/number`, `rediss://` with TLS, or `unix:///path?db=number`. `valkey://` and
    /// `valkeys://` are the same.
    url: String,
    /// The name that `CLIENT LIST` shows. Default `http-container`.
    client_name: Option<String>,
    /// With TLS: how much of the server's certificate is checked. Default `full`.
    #[serde(default)]
    tls_verify: TlsVerify,
    /// With TLS: a file with the certificates of trusted authorities. Default: those that the system trusts.
    tls_ca_file: Option<PathBuf>,
    /// With TLS: a file with the certificate that the server wants to see.
    tls_cert_file: Option<PathBuf>,
    /// With TLS: a file with its key.
    tls_key_file: Option<PathBuf>,
}

/// How much of a server's certificate is checked.
#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum TlsVerify {
    /// The authority and the host's name.
    #[default]
    Full,
    /// The authority.
    Ca,
    /// Nothing.
    None,
}

/// What connections are made from.
pub(crate) struct Settings {
    pub(crate) place: Place,
    pub(crate) tls: Option<Tls>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: u32,
    pub(crate) client_name: String,
}

impl Settings {
    pub(crate) fn new(config: Config) -> Result<Self, Error> {
        let (scheme, rest) = config.url.split_once("://").unwrap_or_default();
        let (is_encrypted, is_socket) = match scheme {
            "redis" | "valkey" => (false, false),
            "rediss" | "valkeys" => (true, false),
            "unix" | "redis+unix" => (false, true),
            _ => return Err(Error::new("the url must begin with redis://, rediss:// or unix://")),
        };
        let (user, password, rest) = take_user(rest)?;
        let (place, database) = if is_socket { socket(rest)? } else { host(rest)? };
        let client_name = config.client_name.unwrap_or_else(|| CLIENT_NAME.to_owned());
        let tls = if is_encrypted {
            Some(tls(config.tls_verify, config.tls_ca_file, config.tls_cert_file, config.tls_key_file)?)
        } else {
            None
        };
        Ok(Self { place, tls, user, password, database, client_name })
    }
}

fn tls(
    verify: TlsVerify,
    roots: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Tls, Error> {
    let verification = match verify {
        TlsVerify::Full => Verification::Full,
        TlsVerify::Ca => Verification::Authority,
        TlsVerify::None => Verification::None,
    };
    let identity = match (certificate, key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => return Err(Error::new("tls_cert_file and tls_key_file belong together")),
    };
    Tls::new(&TlsOptions { verification, roots, identity, protocol: None })
}

/// User and password in front of the `@`, and the rest. The error shows neither.
fn take_user(rest: &str) -> Result<(Option<String>, Option<String>, &str), Error> {
    let Some((front, rest)) = rest.rsplit_once('@') else { return Ok((None, None, rest)) };
    if front.contains(['/', '?', '#']) {
        return Err(Error::new("`/`, `?` and `#` within a password must be percent-encoded"));
    }
    let (user, password) = front.split_once(':').unwrap_or((front, ""));
    let given = |text: &str| if text.is_empty() { Ok(None) } else { decode(text).map(Some) };
    let (user, password) = (given(user)?, given(password)?);
    if user.is_some() && password.is_none() {
        return Err(Error::new(
            "the url has a user without a password; a password alone is written `:password@`",
        ));
    }
    Ok((user, password, rest))
}

fn decode(text: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| Error::new("a part of the url is not UTF-8"))?.into_owned())
}

fn host(rest: &str) -> Result<(Place, u32), Error> {
    if rest.contains(['?', '#']) {
        return Err(Error::new("the url has no options"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    // The colons of an address of version 6 stand within its brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            (host, port.parse().map_err(|_| Error::new(format!("`{port}` is no port")))?)
        }
        _ => (authority, PORT),
    };
    if host.is_empty() {
        return Err(Error::new("the url names no host"));
    }
    Ok((Place::tcp(&decode(host)?, None, port), database(path)?))
}

fn socket(rest: &str) -> Result<(Place, u32), Error> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !path.starts_with('/') {
        return Err(Error::new("the path of a socket is absolute, as in unix:///run/redis.sock"));
    }
    let number = match query.split_once('=') {
        None if query.is_empty() => "",
        Some(("db", number)) => number,
        _ => return Err(Error::new("a socket has no option but `db`")),
    };
    Ok((Place::Unix(decode(path)?.into()), database(number)?))
}

fn database(number: &str) -> Result<u32, Error> {
    match number {
        "" => Ok(0),
        number => number.parse().map_err(|_| Error::new(format!("`{number}` is no number of a database"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Result<Settings, Error> {
        let config = serde_json::json!({ "url": url });
        Settings::new(serde_json::from_value(config).expect("a configuration"))
    }

    fn shown(url: &str) -> (String, Option<String>, Option<String>, u32) {
        let settings = settings(url).expect(url);
        (settings.place.to_string(), settings.user, settings.password, settings.database)
    }

    #[test]
    fn a_url_says_all() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(shown("redis://db"), ("db:6379".into(), None, None, 0));
        assert_eq!(shown("redis://db:1/3"), ("db:1".into(), None, None, 3));
        assert_eq!(shown("valkey://:p%40ss@[::1]:2/"), ("[::1]:2".into(), None, some("p@ss"), 0));
        assert_eq!(shown("redis://[::1]"), ("[::1]:6379".into(), None, None, 0));
        assert_eq!(
            shown("redis://me:secret@10.0.0.1"),
            ("10.0.0.1:6379".into(), some("me"), some("secret"), 0)
        );
        assert_eq!(shown("unix:///run/x.sock?db=2"), ("/run/x.sock".into(), None, None, 2));
        assert_eq!(shown("redis+unix://:secret@/run/x"), ("/run/x".into(), None, some("secret"), 0));
        assert!(settings("redis://db").unwrap().tls.is_none());
        let config = serde_json::json!({ "url": "rediss://db", "tls_verify": "none", "client_name": "shop" });
        let encrypted = Settings::new(serde_json::from_value(config).unwrap()).unwrap();
        assert!(encrypted.tls.is_some() && encrypted.client_name == "shop");
    }

    #[test]
    fn another_url_is_refused_without_its_password() {
        for url in [
            "http://:secret@db",
            "db:6379",
            "redis://:secret@",
            "redis://:secret@db:port",
            "redis://:secret@db/x",
            "redis://:se/cret@db",
            "redis://secret@db",
            "redis://:secret%ff@db",
            "redis://:secret@db?x=y",
            "unix://:secret@run",
            "unix:///run?x=1",
        ] {
            let text = settings(url).err().map(|error| error.to_string()).unwrap_or_else(|| panic!("{url}"));
            assert!(!text.contains("cret"), "{url}: {text}");
        }
    }
}
