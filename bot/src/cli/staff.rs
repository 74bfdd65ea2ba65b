//! `bellhop staff`: who may sit at the desk is listed, let in and put out, beside a server or without one.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::out::line;
use super::visiting::{Place, with};
use crate::audit::By;
use crate::auditor::Auditor;
use crate::clock::Clock;
use crate::config::Config;
use crate::roster;
use crate::staff::{Revoked, Role};
use crate::store::{Access, Store};

/// `staff`.
#[derive(Debug, Subcommand)]
pub(super) enum Staff {
    /// Lists who is let in, who is signed in, and codes that are not used yet.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Makes a link that signs somebody in once, within a day. The same name is the same person; another role than before ends
    /// their session.
    Invite {
        #[command(flatten)]
        place: Place,
        /// Name that customers will see.
        name: String,
        /// agent, supervisor, designer or admin.
        #[arg(long, value_name = "ROLE")]
        role: Role,
    },
    /// Puts somebody out, ends a session or voids an invitation: servers refuse the next request, and streams end within ten
    /// seconds.
    Revoke {
        #[command(flatten)]
        place: Place,
        /// An id, as `staff list` tells it, or a name.
        id: String,
    },
}

/// Runs it.
pub(super) fn run(config: Config, command: Staff) -> Result<ExitCode> {
    match command {
        Staff::List { place } => with(config, place, Access::Read, list),
        Staff::Invite { place, name, role } => {
            let base = config.public_url.clone();
            let base = base.unwrap_or_else(|| format!("http://{}", config.listen));
            with(config, place, Access::Write, async move |store, json| {
                invite(store, (&name, role), &base, json).await
            })
        }
        Staff::Revoke { place, id } => {
            with(config, place, Access::Write, async move |store, json| {
                revoke(store, &id, json).await
            })
        }
    }
}

async fn list(store: &Store, json: bool) -> Result<()> {
    let roster = roster::list(store, &Clock::System).await?;
    if json {
        line(&serde_json::to_string(&roster)?);
        return Ok(());
    }
    for member in &roster.members {
        line(&format!(
            "{}  {} ({})",
            member.id,
            member.name,
            member.role.name()
        ));
    }
    for session in &roster.sessions {
        let agent = &session.agent;
        line(&format!(
            "{}  {} ({}) is signed in until {}",
            session.id,
            agent.name,
            agent.role.name(),
            session.expires_at
        ));
    }
    for invite in &roster.invites {
        line(&format!(
            "{}  {} ({}) is invited until {}",
            invite.id,
            invite.name,
            invite.role.name(),
            invite.expires_at
        ));
    }
    if roster.members.is_empty() && roster.invites.is_empty() {
        line("nobody is let in");
    }
    Ok(())
}

async fn invite(store: &Store, (name, role): (&str, Role), base: &str, json: bool) -> Result<()> {
    let (code, _) = roster::invite(&auditor(store), By::Command, name, role).await?;
    let path = format!("/desk#code={code}");
    if json {
        line(&json!({ "code": code, "path": path }).to_string());
    } else {
        line(&format!(
            "{}{path}   (signs in once, within a day)",
            base.trim_end_matches('/')
        ));
    }
    Ok(())
}

async fn revoke(store: &Store, id: &str, json: bool) -> Result<()> {
    let revoked = roster::revoke(&auditor(store), By::Command, id).await?;
    let (what, name) = match &revoked {
        Revoked::Member(agent) => ("member", &agent.name),
        Revoked::Session(agent) => ("session", &agent.name),
        Revoked::Invites(name) => ("invitation", name),
    };
    if json {
        line(&json!({ "revoked": what, "name": name }).to_string());
    } else {
        line(&match &revoked {
            Revoked::Member(_) => format!("{name} is put out"),
            Revoked::Session(_) => format!("the session of {name} is over"),
            Revoked::Invites(_) => format!("{name} is no longer invited"),
        });
    }
    Ok(())
}

fn auditor(store: &Store) -> Auditor {
    Auditor::new(store.clone(), Clock::System)
}
