//! Redis servers of a test's own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// A Redis server that syncs every write; killed when dropped.
#[derive(Debug)]
pub struct RedisServer {
    /// `HOST:PORT`.
    pub address: String,
    port: u16,
    folder: tempfile::TempDir,
    child: Child,
}

impl RedisServer {
    /// Starts one; none where no `redis-server` is installed.
    ///
    /// # Errors
    /// It did not come up.
    pub fn start() -> Result<Option<Self>> {
        let folder = tempfile::tempdir()?;
        // The system gives a port that is free now; nobody else takes it in the meantime but by chance.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let Some(child) = spawn(folder.path(), port, None)? else {
            return Ok(None);
        };
        let server = Self {
            address: format!("127.0.0.1:{port}"),
            port,
            folder,
            child,
        };
        server.comes_up()?;
        Ok(Some(server))
    }

    /// Kills it as a power cut would, and starts it again on what it had synced.
    ///
    /// # Errors
    /// It did not come up again.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.kill()?;
        self.restart(None)
    }

    /// Kills it as a power cut would.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Has it end in good order.
    ///
    /// # Errors
    /// It does not.
    pub fn shut_down(&mut self) -> Result<()> {
        self.signal("-TERM")?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again on what it had synced, as a replica from the start where it is to follow another.
    ///
    /// # Errors
    /// It did not come up again.
    pub fn restart(&mut self, follow: Option<&Self>) -> Result<()> {
        let follow = follow.map(|master| master.port);
        self.child =
            spawn(self.folder.path(), self.port, follow)?.context("it was there before")?;
        self.comes_up()
    }

    /// Lets it stand still: it takes connections and answers nothing.
    ///
    /// # Errors
    /// The system refuses.
    pub fn pause(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn resume(&self) -> Result<()> {
        self.signal("-CONT")
    }

    /// Runs a command of its own and gives what it says.
    ///
    /// # Errors
    /// `redis-cli` is not installed.
    pub fn tell(&self, command: &[&str]) -> Result<String> {
        let said = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(command)
            .output()
            .context("redis-cli runs")?;
        Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
    }

    /// Makes it a replica of another, or a master where there is none to follow.
    ///
    /// # Errors
    /// It refuses.
    pub fn follow(&self, master: Option<&Self>) -> Result<()> {
        let said = match master {
            Some(master) => self.tell(&["REPLICAOF", "127.0.0.1", &master.port.to_string()])?,
            None => self.tell(&["REPLICAOF", "NO", "ONE"])?,
        };
        ensure!(said.starts_with("OK"), "{}: {said}", self.address);
        Ok(())
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()?;
        ensure!(sent.success(), "kill {signal} of {}: {sent}", self.address);
        Ok(())
    }

    /// Waits until it answers, its data loaded.
    fn comes_up(&self) -> Result<()> {
        for _ in 0..1200 {
            if self.tell(&["PING"])? == "PONG" {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        bail!("redis-server did not come up at {}", self.address)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, port: u16, follow: Option<u16>) -> Result<Option<Child>> {
    let mut command = Command::new("redis-server");
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--repl-diskless-sync-delay", "0"])
        .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
        .arg(folder);
    if let Some(master) = follow {
        command.args(["--replicaof", &format!("127.0.0.1 {master}")]);
    }
    let started = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => Ok(Some(child)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("redis-server starts"),
    }
}
