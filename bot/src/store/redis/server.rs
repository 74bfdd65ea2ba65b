//! Servers of our own for tests.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::RedisOptions;

/// Keeps what it acknowledges; whoever wants to be its replica becomes it at once.
pub(in crate::store) const ALWAYS: [&str; 8] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--save",
    "",
    "--repl-diskless-sync-delay",
    "0",
];

/// A server, which ends with the value, or with the tests if they end sooner.
pub(in crate::store) struct Server {
    pub(in crate::store) port: u16,
    arguments: Vec<String>,
    child: Child,
    /// Ends the server once this process is gone, however it went.
    watch: Option<Child>,
    folder: tempfile::TempDir,
}

impl Server {
    pub(in crate::store) fn start(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        let folder = folder();
        for _ in 0..20 {
            let port = free_port();
            let mut child = spawn(folder.path(), port, &arguments);
            if is_up(port, &mut child) {
                let watch = Some(watch(child.id(), folder.path()));
                return Self {
                    port,
                    arguments,
                    child,
                    watch,
                    folder,
                };
            }
            // Somebody was quicker to take the port.
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("redis-server does not start");
    }

    pub(in crate::store) fn options(&self) -> RedisOptions {
        options(&format!("redis://127.0.0.1:{}", self.port))
    }

    /// Runs a command of the server's own.
    pub(in crate::store) fn tell(&self, command: &[&str]) -> String {
        tell(self.port, command)
    }

    /// `kill -9`.
    pub(in crate::store) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        drop_watch(&mut self.watch);
    }

    /// Starts it again after it was killed, with what is on its disk.
    pub(in crate::store) fn restart(&mut self) {
        self.child = spawn(self.folder.path(), self.port, &self.arguments);
        assert!(is_up(self.port, &mut self.child), "starts again");
        self.watch = Some(watch(self.child.id(), self.folder.path()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// In memory where that can be: these servers are killed, but never lose their machine, and a disk that others keep busy
/// holds up every write.
fn folder() -> tempfile::TempDir {
    let in_memory = tempfile::tempdir_in("/dev/shm");
    in_memory
        .or_else(|_| tempfile::tempdir())
        .expect("a folder")
}

fn spawn(folder: &Path, port: u16, arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
        .arg(folder)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server runs")
}

/// Waits for the end of this process, whose end of the pipe closes then.
fn watch(server: u32, folder: &Path) -> Child {
    let end = "cat >/dev/null; kill -9 $1; rm -rf \"$2\"";
    Command::new("sh")
        .args(["-c", end, "sh", &server.to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh runs")
}

fn drop_watch(watch: &mut Option<Child>) {
    if let Some(mut watch) = watch.take() {
        // Its own server is gone, and its number may be another's by now.
        let _ = watch.kill();
        let _ = watch.wait();
    }
}

fn free_port() -> u16 {
    let any = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = any.local_addr().expect("an address").port();
    // A cluster's nodes talk at the port 10000 above.
    if port > 50_000 { port - 20_000 } else { port }
}

fn is_up(port: u16, child: &mut Child) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() && tell(port, &["PING"]) == "PONG" {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

pub(in crate::store) fn tell(port: u16, command: &[&str]) -> String {
    let said = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(command)
        .output()
        .expect("redis-cli runs");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

/// Options with a prefix that no other test has.
pub(in crate::store) fn options(address: &str) -> RedisOptions {
    static TESTS: AtomicU64 = AtomicU64::new(0);
    let mut options: RedisOptions = address.parse().expect("parses");
    options.prefix = format!("t{}", TESTS.fetch_add(1, Ordering::SeqCst));
    options
}

/// Whether there is a Redis to test with. Says so where there is none; fails where there must be one.
pub(in crate::store) fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let version = Command::new("redis-server").arg("--version").output();
        let is_there = version.is_ok();
        if !is_there {
            assert!(
                std::env::var_os("BELLHOP_REQUIRE_REDIS").is_none(),
                "BELLHOP_REQUIRE_REDIS is set, and there is no redis-server on the path"
            );
            say("skipped: there is no redis-server on the path");
        }
        is_there
    })
}

/// Whether a cluster is to be formed for tests, which takes a while. Says so where it is not.
pub(in crate::store) fn is_cluster_wanted() -> bool {
    static WANTED: OnceLock<bool> = OnceLock::new();
    *WANTED.get_or_init(|| {
        let is_wanted = std::env::var_os("BELLHOP_CLUSTER_TESTS").is_some();
        if !is_wanted {
            say("skipped on a cluster: BELLHOP_CLUSTER_TESTS is not set");
        }
        is_wanted
    })
}

fn say(what: &str) {
    // Where nobody reads it, nobody misses it.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// The server that tests share which do nothing to it.
pub(in crate::store) fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ALWAYS))
}

/// A cluster of three masters with a replica each.
pub(in crate::store) struct Cluster {
    pub(in crate::store) nodes: Vec<Server>,
}

impl Cluster {
    pub(in crate::store) fn start() -> Self {
        let mut arguments = ALWAYS.to_vec();
        arguments.extend(["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"]);
        let nodes: Vec<Server> = (0..6).map(|_| Server::start(&arguments)).collect();
        let hosts = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
        let formed = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(hosts)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .expect("redis-cli runs");
        assert!(formed.status.success(), "{formed:?}");
        let end = Instant::now() + Duration::from_secs(30);
        let is_formed = |node: &Server| {
            let info = node.tell(&["CLUSTER", "INFO"]);
            let replication = node.tell(&["INFO", "replication"]);
            let is_whole =
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:6");
            is_whole
                && (replication.contains("state=online")
                    || replication.contains("master_link_status:up"))
        };
        while !nodes.iter().all(is_formed) {
            assert!(Instant::now() < end, "the cluster forms");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { nodes }
    }

    pub(in crate::store) fn options(&self) -> RedisOptions {
        let hosts = self.nodes.iter().take(2);
        let hosts: Vec<_> = hosts
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        options(&format!("redis://{}?cluster=true", hosts.join(",")))
    }
}
