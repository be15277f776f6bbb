//! The servers that are compared: how each is configured and started. It must not know what is measured.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::launch::{Running, words};
use crate::settings::Settings;
use crate::workshop::{find_program, free_port};

/// Name of the floor's row.
pub const FLOOR: &str = "floor";
/// Name of the row of the floor with deferred accept (connection per request only).
pub const FLOOR_DEFERRED: &str = "floor, deferred accept";
/// Name of nginx's row.
pub const NGINX: &str = "nginx, return 200";
/// Name of the reference server's row with the C module.
pub const HC_C: &str = "hc-server, C hello";
/// Name of the reference server's row with the Rust module.
pub const HC_RUST: &str = "hc-server, Rust hello";
/// Name of the row of the reference server that checks the C module live.
pub const HC_VALIDATES: &str = "hc-server, C hello, validate";

/// One row: a server that can be started, or the reason why not (and what to do about it).
#[derive(Clone, Debug)]
pub struct Contender {
    /// The row's name.
    pub name: String,
    /// How to start it.
    pub recipe: Result<Recipe, String>,
}

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// The words of the command line.
    pub command: Vec<OsString>,
    /// The loopback port that it listens on.
    pub port: u16,
    /// The CPUs that it may use.
    pub cores: Vec<usize>,
    /// The access log that it writes; emptied after every slot.
    pub access_log: Option<PathBuf>,
}

impl Contender {
    /// Starts the server under `tool` (words put before its own; none to run it as it is).
    pub fn start(
        &self,
        settings: &Settings,
        tool: &[OsString],
        patience: Duration,
    ) -> Result<Running, String> {
        let recipe = self.recipe.as_ref().map_err(Clone::clone)?;
        let mut command = tool.to_vec();
        command.extend_from_slice(&recipe.command);
        let output = settings.workshop.path(&format!("output-{}.txt", recipe.port));
        let mut running =
            Running::start(&command, &recipe.cores, &output).map_err(|error| error.to_string())?;
        running.wait_for_port(recipe.port, patience).map_err(|error| error.to_string())?;
        Ok(running)
    }
}

/// The floor, with further options of `floor.c`.
pub fn floor(settings: &Settings, name: &str, options: &[&str]) -> io::Result<Contender> {
    let port = free_port()?;
    let mut command = words(&[settings.workshop.floor.as_os_str()]);
    command.extend(words(&["-p", &port.to_string()]));
    command.extend(words(options));
    let recipe = Recipe { command, port, cores: settings.server_cores.clone(), access_log: None };
    Ok(Contender { name: name.to_owned(), recipe: Ok(recipe) })
}

/// Debian's nginx as one process that answers every path itself.
///
/// `log_buffer`: `None` no access log, `Some("")` a write per request, else the size of its buffer.
pub fn nginx(settings: &Settings, name: &str, log_buffer: Option<&str>) -> io::Result<Contender> {
    let Some(program) = find_program("nginx") else {
        let recipe = Err("nginx is not installed (apt-get install nginx-light)".to_owned());
        return Ok(Contender { name: name.to_owned(), recipe });
    };
    let port = free_port()?;
    let prefix = settings.workshop.make_folder(&format!("nginx-{port}"))?;
    let log = prefix.join("access.log");
    let access = match log_buffer {
        None => "off".to_owned(),
        Some("") => format!("{} combined", log.display()),
        Some(size) => format!("{} combined buffer={size}", log.display()),
    };
    let config = prefix.join("nginx.conf");
    fs::write(&config, nginx_config(port, &prefix, &access))?;
    let errors = prefix.join("error.log");
    let command = [
        program.into(),
        "-p".into(),
        prefix.into(),
        "-e".into(),
        errors.into(),
        "-c".into(),
        config.into_os_string(),
    ];
    let recipe = Recipe {
        command: command.to_vec(),
        port,
        cores: settings.server_cores.clone(),
        access_log: log_buffer.map(|_| log),
    };
    Ok(Contender { name: name.to_owned(), recipe: Ok(recipe) })
}

fn nginx_config(port: u16, prefix: &Path, access: &str) -> String {
    let prefix = prefix.display();
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid {prefix}/nginx.pid;\n\
         events {{ worker_connections 16384; use epoll; }}\n\
         http {{\n  access_log {access};\n  keepalive_timeout 600s;\n  keepalive_requests 1000000000;\n\
         \x20 client_body_temp_path {prefix}/body;\n  proxy_temp_path {prefix}/proxy;\n\
         \x20 fastcgi_temp_path {prefix}/fastcgi;\n  uwsgi_temp_path {prefix}/uwsgi;\n\
         \x20 scgi_temp_path {prefix}/scgi;\n  default_type text/plain;\n\
         \x20 server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200 \"Hello, World!\"; }} }}\n}}\n"
    )
}

/// How the reference server is configured for a row.
#[derive(Clone, Copy, Debug)]
pub struct HcServer<'a> {
    /// The module's file in `target/modules`, without `.so`.
    pub module: &'a str,
    /// Worker threads.
    pub workers: usize,
    /// Whether it writes an access log (combined format).
    pub access_log: bool,
    /// Whether it checks the module live.
    pub validates: bool,
}

/// The reference server with one module on every path.
pub fn hc_server(settings: &Settings, name: &str, server: HcServer<'_>) -> io::Result<Contender> {
    let mut access_log = None;
    let mut contender =
        hc_server_of(settings, name, server.module, server.workers, |port, module, folder| {
            let log = folder.join("access.log");
            let text = hc_config(port, server, module, &log);
            access_log = server.access_log.then_some(log);
            text
        })?;
    if let Ok(recipe) = &mut contender.recipe {
        recipe.access_log = access_log;
    }
    Ok(contender)
}

/// The reference server with the configuration that `config` makes of its port, the module's path and a folder of its own.
pub fn hc_server_of(
    settings: &Settings,
    name: &str,
    module: &str,
    workers: usize,
    config: impl FnOnce(u16, &Path, &Path) -> String,
) -> io::Result<Contender> {
    let program = settings.target.join("release").join("hc-server");
    let library = settings.target.join("modules").join(format!("{module}.so"));
    for (path, shown) in
        [(&program, "target/release/hc-server".to_owned()), (&library, format!("target/modules/{module}.so"))]
    {
        if !path.is_file() {
            let recipe = Err(format!("{shown} is not built (make build)"));
            return Ok(Contender { name: name.to_owned(), recipe });
        }
    }
    let port = free_port()?;
    let folder = settings.workshop.make_folder(&format!("hc-server-{port}"))?;
    let file = folder.join("server.toml");
    fs::write(&file, config(port, &library, &folder))?;
    let cores = if workers > 1 { &settings.all_cores } else { &settings.server_cores };
    let recipe = Recipe {
        command: vec![program.into(), "run".into(), file.into()],
        port,
        cores: cores.clone(),
        access_log: None,
    };
    Ok(Contender { name: name.to_owned(), recipe: Ok(recipe) })
}

fn hc_config(port: u16, server: HcServer<'_>, module: &Path, log: &Path) -> String {
    let access = if server.access_log {
        format!("access = \"combined\"\naccess_path = {:?}", log.display().to_string())
    } else {
        "access = \"off\"".to_owned()
    };
    let validate = if server.validates { "validate = true\n" } else { "" };
    format!(
        "listen = [\"127.0.0.1:{port}\"]\nworkers = {workers}\n{validate}\n[log]\n{access}\n\n\
         [[module]]\nname = {name:?}\npath = {module:?}\n\n[[route]]\npath = \"/\"\nmodule = {name:?}\n",
        workers = server.workers,
        name = server.module,
        module = module.display().to_string(),
    )
}

/// A server given by its command line; `{port}` and `{workers}` in it are replaced.
pub fn peer(
    name: &str,
    trailing: &[String],
    port: Option<u16>,
    workers: usize,
    cores: &[usize],
) -> io::Result<Contender> {
    let port = port.map_or_else(free_port, Ok)?;
    let fill =
        |part: &String| part.replace("{port}", &port.to_string()).replace("{workers}", &workers.to_string());
    let command: Vec<OsString> = trailing.iter().map(|part| fill(part).into()).collect();
    let program = command.first().and_then(|program| program.to_str()).unwrap_or_default();
    let recipe = match find_program(program) {
        Some(_) => Ok(Recipe { command, port, cores: cores.to_vec(), access_log: None }),
        None => Err(format!("`{program}` is not installed")),
    };
    Ok(Contender { name: name.to_owned(), recipe })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_server_s_configuration_is_the_documented_one() {
        let server = HcServer { module: "hello_c", workers: 1, access_log: false, validates: false };
        let text = hc_config(8080, server, Path::new("target/modules/hello_c.so"), Path::new("a.log"));
        let expected = "listen = [\"127.0.0.1:8080\"]\nworkers = 1\n\n[log]\naccess = \"off\"\n\n\
                        [[module]]\nname = \"hello_c\"\npath = \"target/modules/hello_c.so\"\n\n\
                        [[route]]\npath = \"/\"\nmodule = \"hello_c\"\n";
        assert_eq!(text, expected);
        let validating =
            hc_config(8080, HcServer { validates: true, ..server }, Path::new("m.so"), Path::new("a.log"));
        assert!(validating.contains("workers = 1\nvalidate = true\n\n[log]"), "{validating}");
        let logging = HcServer { access_log: true, ..server };
        let text = hc_config(8080, logging, Path::new("m.so"), Path::new("a.log"));
        assert!(text.contains("access = \"combined\"\naccess_path = \"a.log\"\n"), "{text}");
    }

    #[test]
    fn a_peer_s_command_line_is_filled_in() {
        let trailing = ["sh", "--listen=127.0.0.1:{port}", "-w{workers}"].map(str::to_owned);
        let contender = peer("x", &trailing, Some(81), 2, &[1]).expect("peer");
        let recipe = contender.recipe.expect("sh is installed");
        assert_eq!(recipe.command, ["sh", "--listen=127.0.0.1:81", "-w2"]);
        let missing = peer("x", &["no-such-server".to_owned()], Some(81), 1, &[]).expect("peer");
        assert!(missing.recipe.expect_err("missing").contains("no-such-server"));
    }
}
