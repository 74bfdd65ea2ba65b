//! `bellhop serve`: the whole program.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bellhop_flows::bundle::Bundle;
use bellhop_flows::engine::event::Passage;
use bellhop_flows::source::Sources;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::args::Serve;
use super::out::{line, warn};
use super::{compiled, place_of, runtime};
use crate::actions::Actions;
use crate::app::{App, Options, Parts};
use crate::channels::Channels;
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::error::ServiceError;
use crate::folder::BotFolder;
use crate::load::Mind;
use crate::roles::Roles;
use crate::server::{self, Claims, HttpState};
use crate::staff::Role;
use crate::store;
use crate::understand::{Request, Retrieve, Understand, Understood};
use crate::{demo, model};

/// Longest that running turns may take to end after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs it.
pub(super) fn run(mut config: Config, args: Serve) -> Result<ExitCode> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .try_init();
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    if args.store.is_some() {
        config.store = args.store;
    }
    if let Some(roles) = args.roles {
        config.roles = roles;
    }
    let (folder, bundle) = compiled(args.bot.as_deref())?;
    runtime()?.block_on(serve(config, folder, bundle, args.stubs))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config, folder: BotFolder, bundle: Arc<Bundle>, stubs: bool) -> Result<()> {
    let watch = Stopwatch::start();
    // First what is quick to fail.
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "can't listen on {}: is another server running there? name another address with --listen",
            config.listen
        )
    })?;
    let retention = config.retention.complete(&config.channels)?;
    anyhow::ensure!(
        config.voice.account_sid.is_none()
            || (config.voice.auth_token.is_set() && config.public_url.is_some()),
        "voice.account_sid needs voice.auth_token and public_url: a call is told to ask this server again"
    );
    let address = config.store_address().map_err(anyhow::Error::msg)?;
    let place = address.to_string();
    store::ensure_free(&address)?;
    let clock = Clock::System;
    let stop = CancellationToken::new();
    let roles = config.roles;
    let actions = if stubs || !roles.turns {
        Actions::stub()
    } else {
        live_actions(&folder, &bundle, &clock, &stop).await?
    };
    let mind = if roles.turns {
        Some(load_mind(&config, &folder, &bundle).await?)
    } else {
        None
    };
    let nobody = || Box::new(TakesNoTurns);
    let parts = Parts {
        understand: mind.as_ref().map_or_else(|| nobody() as _, Mind::reader),
        retrieve: mind
            .as_ref()
            .map_or_else(|| Arc::new(TakesNoTurns) as _, Mind::retriever),
        source: mind.map(|mind| mind.source(&folder)).unwrap_or_default(),
        bundle: Arc::clone(&bundle),
        actions,
        clock: clock.clone(),
        store: address,
        options: Options {
            nlu_timeout: Duration::from_millis(config.nlu_timeout_ms),
            message_bytes: config.limits.message_bytes,
            status_webhook: config.status_webhook.clone(),
            status_secret: config.status_secret.clone(),
            channels: Channels::new(&config.channels)?,
            retention,
            privacy: config.privacy.clone(),
            ..Options::default()
        },
    };
    let metrics = server::install_metrics()?;
    let app = App::start(parts).await.map_err(|error| match error {
        // What the store says of itself is for the operator, who is told here.
        ServiceError::Unavailable { message } => {
            anyhow::anyhow!("{place}: the store is open, and nothing can be stored: {message}")
        }
        other => other.into(),
    })?;
    app.note_start(&config.changed()).await?;
    let door = door(&app, roles).await?;
    let claims = Claims::new(&config.customer_secret)?;
    let address = listener.local_addr()?;
    let is_demo = folder.is_demo;
    let edge = HttpState::new(
        app.clone(),
        Arc::new(config),
        claims,
        metrics,
        is_demo,
        stop.clone(),
    );
    let (router, _) = server::router(edge);
    // Before anybody is told that it runs: whoever ends it then must be heard.
    let asked = asked_to_stop().context("signals to stop can't be listened for")?;
    greet(&bundle.name, address, roles, door.as_deref(), &watch);
    let ending = stop.clone();
    tokio::spawn(async move {
        asked.await;
        ending.cancel();
    });
    // A client that never ends its request must not keep the program from ending.
    let cut = async {
        stop.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = server::serve(listener, router, stop.clone()) => served?,
        () = cut => warn("some requests were still open and are cut off"),
    }
    if tokio::time::timeout(DRAIN, app.shutdown()).await.is_err() {
        warn("turns were still running and will be taken up at the next start");
    }
    Ok(())
}

/// The way to the desk, where this process has one. The first admin is let in with a code; everyone else somebody lets in.
async fn door(app: &App, roles: Roles) -> Result<Option<String>> {
    if !roles.desk {
        return Ok(None);
    }
    let roster = app.roster().await?;
    let has_admin = roster.members.iter().any(|it| it.role == Role::Admin);
    if has_admin {
        let hint = "desk   (`bellhop staff invite NAME --role admin` makes a link that signs in)";
        return Ok(Some(hint.to_owned()));
    }
    let code = app.staff_invite("Operator", Role::Admin).await?;
    Ok(Some(format!("desk#code={code}   (signs in once)")))
}

/// What a process that takes turns thinks with.
async fn load_mind(config: &Config, folder: &BotFolder, bundle: &Arc<Bundle>) -> Result<Mind> {
    let model = model::ensure(config.model.as_deref(), &config.data_dir).await?;
    let (bundle, folder, config) = (Arc::clone(bundle), folder.clone(), config.clone());
    tokio::task::spawn_blocking(move || {
        let encoder = config.encoder(&model)?;
        let cache = config.cache_dir();
        Ok(Mind::make(
            &bundle,
            &folder.articles,
            encoder,
            &cache,
            None,
        )?)
    })
    .await?
}

/// In place of the model and the index where other processes take the turns.
struct TakesNoTurns;

const NO_TURNS: &str = "this process takes no turns";

impl Understand for TakesNoTurns {
    fn read(&self, requests: &[Request]) -> Vec<Result<Understood, String>> {
        requests.iter().map(|_| Err(NO_TURNS.to_owned())).collect()
    }
}

impl Retrieve for TakesNoTurns {
    fn search(
        &self,
        _: &str,
        _: Option<&[f32]>,
        _: &str,
        _: Option<&str>,
    ) -> Result<Vec<Passage>, String> {
        Err(NO_TURNS.to_owned())
    }
}

/// Real requests; for the demo with its back office, for every other bot with what its actions need.
async fn live_actions(
    folder: &BotFolder,
    bundle: &Bundle,
    clock: &Clock,
    stop: &CancellationToken,
) -> Result<Actions> {
    let mut env = BTreeMap::new();
    if folder.is_demo && crate::config::env(demo::ADDRESS_VARIABLE).is_none() {
        let today = clock.now().in_tz(&bundle.time_zone)?.date();
        let address = demo::start(today, stop.clone()).await?;
        env.insert(
            demo::ADDRESS_VARIABLE.to_owned(),
            format!("http://{address}"),
        );
    }
    let actions = Actions::live(env);
    let missing = actions.missing_env(bundle);
    anyhow::ensure!(
        missing.is_empty(),
        "{}",
        missing_text(&missing, &folder.sources)
    );
    Ok(actions)
}

fn missing_text(missing: &[crate::actions::MissingEnv], sources: &Sources) -> String {
    let mut text = String::from("environment variables that actions need are not set:");
    for one in missing {
        let place = place_of(&one.span, sources);
        let _ = write!(text, "\n  {place}: {} needs {}", one.action, one.variable);
    }
    text.push_str("\nset them, or use --stubs to answer actions with their stubs");
    text
}

fn greet(bot: &str, address: SocketAddr, roles: Roles, door: Option<&str>, watch: &Stopwatch) {
    let mut text = format!(
        "{bot} is listening ({:.1} s after start)\n\n",
        watch.elapsed().as_secs_f64()
    );
    let mut add = |name: &str, rest: &str| {
        let _ = writeln!(text, "  {name:<9}  http://{address}/{rest}");
    };
    if roles.edge {
        add("chat", "");
    }
    if let Some(door) = door {
        add("desk", door);
        add("dashboard", "dashboard   (to come)");
    }
    add("API", "openapi.json");
    line(&text);
    if roles != Roles::default() {
        line(&format!(
            "this process does {roles}; others on the same store have to do the rest\n"
        ));
    }
}

/// Ctrl-C, or what a service manager sends; heard from this call on.
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()> + Send> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut interrupt, mut terminate) = (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// `bellhop healthcheck`: for service managers that have no HTTP client.
pub(super) fn healthcheck(url: &str) -> Result<ExitCode> {
    let address = format!("{}/readyz", url.trim_end_matches('/'));
    runtime()?.block_on(async {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()?;
        let response = client.get(&address).send().await?;
        anyhow::ensure!(
            response.status().is_success(),
            "{address}: {}",
            response.status()
        );
        line("ready");
        Ok(ExitCode::SUCCESS)
    })
}
