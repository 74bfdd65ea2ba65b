//! What each metric tells: for the people who read `/metrics`. `docs/operating.md` lists the same names.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Describes every metric of the program.
pub(super) fn describe() {
    turns();
    outbound();
    store();
    describe_gauge!(
        "process_resident_memory_bytes",
        Unit::Bytes,
        "memory of the process (Linux)"
    );
}

fn turns() {
    describe_counter!("bellhop_turns_total", "turns that were worked through");
    describe_histogram!(
        "bellhop_turn_seconds",
        Unit::Seconds,
        "how long a turn took, from its input's turn to come to its commit"
    );
    describe_histogram!(
        "bellhop_turn_stage_seconds",
        Unit::Seconds,
        "the same by stage; stage accept is the durable acceptance of a message"
    );
    describe_counter!(
        "bellhop_turn_panics_total",
        "turns that broke off by a fault of the program"
    );
    describe_counter!(
        "bellhop_late_turns_total",
        "turns whose answer was not said because a person had taken the conversation meanwhile"
    );
    describe_counter!(
        "bellhop_flows_ended_total",
        "flows that ended, by flow and outcome"
    );
    describe_counter!("bellhop_ratings_total", "customers' ratings, by score");
}

fn outbound() {
    describe_counter!(
        "bellhop_outbound_total",
        "attempts to send something, by kind of destination and result: arrived, later, dead"
    );
    describe_counter!(
        "bellhop_call_updates_total",
        "running calls that the provider was told to ask about, by result: taken, failed"
    );
    describe_counter!(
        "bellhop_outbound_uncertain_total",
        "attempts of which nobody knows whether they arrived, on channels that take no key"
    );
    describe_counter!(
        "bellhop_outbound_given_up_total",
        "things that were given up since the start, by destination"
    );
    describe_gauge!(
        "bellhop_outbound_given_up",
        "things that are given up now (bellhop outbox list), by destination"
    );
    describe_gauge!(
        "bellhop_outbound_waiting",
        "things that wait to be sent, by destination"
    );
    describe_gauge!(
        "bellhop_outbound_oldest_seconds",
        Unit::Seconds,
        "how long the one has waited that waits longest, by destination; 0 where none waits"
    );
    describe_gauge!(
        "bellhop_outbound_circuit_open",
        "1 while nothing is sent to a destination because its provider keeps failing"
    );
}

fn store() {
    describe_counter!(
        "bellhop_sign_ins_refused_total",
        "sign-ins of staff with a code that is wrong, used or expired"
    );
    describe_counter!(
        "bellhop_forgotten_total",
        "what retention has removed, by what it was"
    );
    describe_gauge!(
        "bellhop_store_up",
        "1 where the store answered this request for metrics"
    );
    describe_gauge!(
        "bellhop_store_info",
        "always 1; its labels name engine and durability"
    );
    describe_gauge!(
        "bellhop_store_leases",
        "groups of conversations, of 64, that this process works through; 1 on a file"
    );
    describe_gauge!(
        "bellhop_store_ready",
        "conversations of these in which messages wait to be worked through"
    );
    describe_gauge!(
        "bellhop_store_oldest_ready_seconds",
        Unit::Seconds,
        "how long the oldest of these messages has waited; 0 where none waits"
    );
    describe_counter!(
        "bellhop_store_conflicts_total",
        "commits that were decided anew because somebody else was quicker"
    );
    describe_histogram!(
        "bellhop_store_group",
        "writes that shared one transaction (SQLite)"
    );
}
