//! The recorder's promises, one per file. Each trial is named by the host it ran on:
//! `freeswitch::bridge` on a real one, `stand_in::bridge` on the one that replays what a real one did.
//! `cargo test -p callvault-scenarios -- bridge` runs one; a missing host shows as `ignored`.
mod cast;
mod cdrs;
mod house;
mod oracle;
mod promise;
mod taken;
mod told;

mod answered_inbound;
mod attest;
mod bad_config;
mod bad_store;
mod bridge;
mod by_mode;
mod codec_change;
mod codecs;
mod conference;
mod demonstration;
mod device;
mod digits;
mod early_media;
mod exempt;
mod hold;
mod hostile_callers;
mod joiners;
mod killed;
mod late_media;
mod mixed_calls;
mod moved;
mod not_a_voice;
mod nothing_in_clear;
mod notice;
mod notice_proof;
mod objection;
mod originate;
mod packet_times;
mod pause;
mod prompts;
mod queue;
mod reasons;
mod rough_network;
mod rung;
mod taps;
mod transfer;
mod two_hundred_calls;
mod unharmed;
mod unload;
mod webrtc;

use std::process::ExitCode;

fn main() -> ExitCode {
    let trials = [
        answered_inbound::trials(),
        notice::trials(),
        objection::trials(),
        pause::trials(),
        exempt::trials(),
        joiners::trials(),
        attest::trials(),
        notice_proof::trials(),
        prompts::trials(),
        late_media::trials(),
        webrtc::trials(),
        bridge::trials(),
        by_mode::trials(),
        demonstration::trials(),
        device::trials(),
        digits::trials(),
        originate::trials(),
        queue::trials(),
        taps::trials(),
        transfer::trials(),
        moved::trials(),
        hold::trials(),
        conference::trials(),
        early_media::trials(),
        codec_change::trials(),
        codecs::trials(),
        packet_times::trials(),
        reasons::trials(),
        rough_network::trials(),
        not_a_voice::trials(),
        rung::trials(),
        unharmed::trials(),
        nothing_in_clear::trials(),
        hostile_callers::trials(),
        bad_config::trials(),
        bad_store::trials(),
        unload::trials(),
        killed::trials(),
        two_hundred_calls::trials(),
        mixed_calls::trials(),
        cdrs::trials(),
    ];
    callvault_test_support::suite::run(trials.into_iter().flatten().collect())
}
