//! What must be true once nothing waits any more.

use std::collections::BTreeMap;

use bellhop_flows::engine::state::State;

use super::super::engine::at_once;
use super::super::oracle::{Oracle, Told};
use super::super::process::bundle;
use super::{Judged, Watch, Watched, must};
use crate::audit::{Act, AuditEntry, By};
use crate::conversation::journal::{Row, engine_events};
use crate::conversation::{Conversation, HEAD, STATE, TurnTrace, read_state};
use crate::encoding::decode;
use crate::events::CustomerEvent;
use crate::handoff::queue::{QueueView, TICKET, Ticket};
use crate::handoff::record::Record;
use crate::handoff::status::Status;
use crate::partition::{Kind, PartitionId, Snapshot};
use crate::rules::audit::{FORGOTTEN, LAST, Walk, link};
use crate::store::{Engine, Memory};
use crate::turn::fold;

/// What still waits: inputs, and things to be sent.
pub(in crate::app::sim) fn waits(memory: &Memory) -> usize {
    at_once(memory.ready(usize::MAX)).len() + memory.unsettled()
}

/// A conversation is there.
pub(in crate::app::sim) fn is_kept(memory: &Memory, id: &str) -> bool {
    at_once(memory.snapshot(&PartitionId::conversation(id), &[])).is_some()
}

/// Tickets of conversations that are gone.
pub(in crate::app::sim) fn strays(memory: &Memory) -> usize {
    let all = format!("{TICKET}*");
    let queue = at_once(memory.snapshot(&PartitionId::queue(), &[&all]));
    let tickets = queue.iter().flat_map(|queue| queue.below(TICKET));
    tickets.filter(|(id, _)| !is_kept(memory, id)).count()
}

/// Judges the whole.
pub(in crate::app::sim) fn judge(memory: &Memory, watch: &Watch, oracle: &Oracle) -> Judged {
    let mut logs = BTreeMap::new();
    let mut tickets = BTreeMap::new();
    for (id, watched) in &watch.conversations {
        if watch.removed.contains(id) {
            must!(!is_kept(memory, id), "{id} was removed and is there again");
            continue;
        }
        let partition = PartitionId::conversation(id);
        let of = |what: String| format!("{id}: {what}");
        let snapshot = at_once(memory.snapshot(&partition, &[HEAD, STATE, "handoff/*"]));
        let snapshot = snapshot.ok_or_else(|| of("it is gone".to_owned()))?;
        let log = at_once(memory.log(&partition, 0, usize::MAX));
        let rows = log.iter().map(Row::of).collect::<Result<Vec<_>, _>>();
        let rows = rows.map_err(|error| of(error.to_string()))?;
        worked_through(
            memory,
            &partition,
            (watched, watch.forgot_traces),
            &snapshot,
            &rows,
        )
        .map_err(of)?;
        folds(&snapshot, rows.clone()).map_err(of)?;
        statuses(watched, watch.arrived.get(id)).map_err(of)?;
        if let Some(ticket) = ticket(&partition, &snapshot).map_err(of)? {
            tickets.insert(id.clone(), ticket);
        }
        logs.insert(id.as_str(), rows);
    }
    queue(memory, &tickets)?;
    audited(memory, oracle)?;
    told(watch, oracle, &logs)
}

/// The audit log's chain holds, and whoever was told that a customer is theirs is in it.
fn audited(memory: &Memory, oracle: &Oracle) -> Judged {
    let audit = PartitionId::audit();
    let places = at_once(memory.snapshot(&audit, &[LAST, FORGOTTEN]));
    let place = |doc| link(places.as_ref(), doc).map_err(|error| error.to_string());
    let start = place(FORGOTTEN)?;
    let is_whole = start.seq == 0;
    let mut walk = Walk::after(start, [place(LAST)?]);
    let log = at_once(memory.log(&audit, 0, usize::MAX));
    log.iter().for_each(|entry| walk.step(entry));
    walk.end();
    must!(walk.found.is_empty(), "audit log: {:?}", walk.found);
    let entries = log.iter().map(|entry| AuditEntry::of(&entry.body));
    let entries = entries.collect::<Result<Vec<_>, _>>();
    let entries = entries.map_err(|error| error.to_string())?;
    for (handoff, agent) in oracle.taken.iter().filter(|_| is_whole) {
        let is_it = |it: &AuditEntry| {
            let by = matches!(&it.by, By::Staff(by) if by.id == *agent);
            it.act == Act::Take && by && it.on.as_ref() == Some(handoff)
        };
        must!(
            entries.iter().any(is_it),
            "{agent} took {handoff}, and the audit log does not have it"
        );
    }
    Ok(())
}

/// Each input was worked through once, in order, and says why it went as it did.
fn worked_through(
    memory: &Memory,
    partition: &PartitionId,
    (watched, forgot_traces): (&Watched, bool),
    snapshot: &Snapshot,
    rows: &[Row],
) -> Judged {
    must!(
        snapshot.head.waiting == 0,
        "{} inputs wait",
        snapshot.head.waiting
    );
    let log = at_once(memory.log(partition, 0, usize::MAX));
    let inputs = log.iter().filter(|entry| entry.kind == Kind::Input);
    let inputs: Vec<u64> = inputs.map(|entry| entry.seq).collect();
    must!(
        watched.worked == inputs,
        "{:?} were worked through of {inputs:?}",
        watched.worked
    );
    let traces = at_once(memory.traces(partition, usize::MAX));
    let traces = traces
        .iter()
        .map(|trace| decode::<TurnTrace>("trace", trace).map(|it| it.seq));
    let traces = traces
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    let are_there = match forgot_traces {
        true => inputs.ends_with(&traces),
        false => traces == inputs,
    };
    must!(are_there, "traces of {traces:?}, inputs {inputs:?}");
    must!(
        rows.is_sorted_by(|a, b| a.seq < b.seq),
        "its log has no order"
    );
    Ok(())
}

/// The state that is kept is what comes of all that the engine was fed.
fn folds(snapshot: &Snapshot, rows: Vec<Row>) -> Judged {
    let kept = snapshot.doc(STATE).and_then(|body| read_state(body));
    let kept = kept.ok_or("no state is kept")?.state;
    let mut folded = State::default();
    let events = engine_events(rows, u64::MAX);
    fold(
        &bundle(),
        &mut folded,
        events.iter().map(|(_, event)| event),
    );
    must!(kept == folded, "kept {kept:?}\nfolded {folded:?}");
    Ok(())
}

/// Every state of a handoff arrived, in order; what came again was the same.
fn statuses(watched: &Watched, arrived: Option<&Vec<Status>>) -> Judged {
    let mut first: Vec<&Status> = Vec::new();
    for status in arrived.into_iter().flatten() {
        match first.iter().find(|known| known.id == status.id) {
            Some(known) => must!(*known == status, "{known:?} came again as {status:?}"),
            None => first.push(status),
        }
    }
    let told = first.iter().map(|status| &status.id);
    let must_be = watched.statuses.iter().map(|status| &status.id);
    must!(
        told.clone().eq(must_be.clone()),
        "status events {:?} instead of {:?}",
        told.collect::<Vec<_>>(),
        must_be.collect::<Vec<_>>()
    );
    must!(
        first.is_sorted_by_key(|status| status.seq),
        "status events without order"
    );
    Ok(())
}

/// The ticket that a conversation must have.
fn ticket(partition: &PartitionId, snapshot: &Snapshot) -> Result<Option<Ticket>, String> {
    let read = |error: crate::encoding::Unreadable| error.to_string();
    let head = Conversation::of(partition, snapshot).map_err(read)?.head;
    let Some(open) = head.open_handoff else {
        return Ok(None);
    };
    let record = Record::of(snapshot, &open).map_err(read)?;
    Ok(record.as_ref().and_then(Ticket::of))
}

/// The queue holds the open handoffs of all conversations, as they are, and nothing else.
fn queue(memory: &Memory, tickets: &BTreeMap<String, Ticket>) -> Judged {
    let all = format!("{TICKET}*");
    let snapshot = at_once(memory.snapshot(&PartitionId::queue(), &[&all]));
    let view = snapshot.as_ref().map(QueueView::of).transpose();
    let view = view.map_err(|error| error.to_string())?.unwrap_or_default();
    must!(
        view.tickets == *tickets,
        "the queue has {:?}\ninstead of {tickets:?}",
        view.tickets
    );
    Ok(())
}

/// What clients were told is true.
fn told(watch: &Watch, oracle: &Oracle, logs: &BTreeMap<&str, Vec<Row>>) -> Judged {
    for (sender, all) in &oracle.acknowledged {
        for told in all
            .iter()
            .filter(|it| !watch.removed.contains(&it.conversation))
        {
            said(told, logs).map_err(|what| format!("{sender} was told {told:?}: {what}"))?;
        }
        for pair in all.windows(2) {
            let (a, b) = (&pair[0], &pair[1]);
            let number = |told: &Told| {
                watch
                    .conversations
                    .get(&told.conversation)
                    .map(|it| it.number)
            };
            let in_order =
                number(a) < number(b) || a.conversation == b.conversation && a.seq < b.seq;
            must!(in_order, "{sender} was told {a:?} before {b:?}");
        }
    }
    for id in &oracle.refused {
        let place = watch.stored.get(id);
        must!(
            place.is_none(),
            "`{id}` was refused and is stored: {place:?}"
        );
    }
    for conversation in &oracle.left {
        let known = watch.conversations.get(conversation);
        must!(
            known.is_some_and(|it| it.closed),
            "{conversation} was left and goes on"
        );
    }
    for (handoff, agent) in &oracle.taken {
        must!(
            watch.had(handoff, agent),
            "{agent} was told to have {handoff} and never had it"
        );
    }
    Ok(())
}

/// A message that was acknowledged is in its log, once, and where it was said to be.
fn said(told: &Told, logs: &BTreeMap<&str, Vec<Row>>) -> Judged {
    let rows = logs
        .iter()
        .flat_map(|(conversation, rows)| rows.iter().map(|row| (*conversation, row)));
    let mut places = rows.filter_map(|(conversation, row)| match row.visible()? {
        CustomerEvent::Message(it) if it.client_msg_id.as_ref() == Some(&told.id) => {
            Some((conversation, row.seq))
        }
        _ => None,
    });
    let place = places.next();
    must!(
        place == Some((told.conversation.as_str(), told.seq)),
        "it is at {place:?}"
    );
    let again = places.next();
    must!(again.is_none(), "it is at {again:?} as well");
    Ok(())
}
