//! A leg of the host: session and channel, behind guards that keep them alive.
use std::ffi::{CStr, c_void};
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};

use callvault_recorder::conversation::Direction;
use callvault_recorder::ids::LegUuid;

use super::bindings as host;
use super::text::{c_string, copy, readable};

/// The name that our media bug carries in `uuid_buglist`.
pub const BUG_NAME: &CStr = c"callvault";
const SOURCE: &CStr = c"mod_callvault";

/// A session of the host, alive for `'a`: the callback that got it, or a read lock ([`Located`]).
#[derive(Clone, Copy)]
pub struct Session<'a> {
    session: NonNull<host::switch_core_session_t>,
    alive: PhantomData<&'a ()>,
}

/// What the host says of a channel that we ask for by name.
#[derive(Clone, Copy)]
pub enum Flag {
    /// The leg has answered.
    Answered,
    /// Its party holds, by the far end's re-INVITE or ours.
    Holding,
    /// Our side put it on hold locally.
    Hold,
    /// Its media does not pass through this host.
    ProxyMode,
    /// Its media passes undecoded.
    ProxyMedia,
    /// It is bridged.
    Bridged,
    /// Its peer reads and discards while this stands.
    Suspend,
    /// Break what is playing.
    Break,
    /// Its media is on its way out of this host, or back.
    MediaMoves,
    /// Its far end is looked for by ICE.
    Ice,
    /// Its media leaves this host as soon as it is bridged.
    BypassAfterBridge,
    /// T.38 passes in the place of audio.
    Fax,
}

impl Flag {
    fn value(self) -> host::switch_channel_flag_t {
        match self {
            Self::Answered => host::CF_ANSWERED,
            Self::Holding => host::CF_LEG_HOLDING,
            Self::Hold => host::CF_HOLD,
            Self::ProxyMode => host::CF_PROXY_MODE,
            Self::ProxyMedia => host::CF_PROXY_MEDIA,
            Self::Bridged => host::CF_BRIDGED,
            Self::Suspend => host::CF_SUSPEND,
            Self::Break => host::CF_BREAK,
            Self::MediaMoves => host::CF_MEDIA_TRANS,
            Self::Ice => host::CF_ICE,
            Self::BypassAfterBridge => host::CF_BYPASS_MEDIA_AFTER_BRIDGE,
            Self::Fax => host::CF_T38_PASSTHRU,
        }
    }
}

/// How playing ended, as `switch_ivr_play_file` says it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Played {
    /// To its end.
    Whole,
    /// Broken off, not found, or the leg hung up.
    Not,
}

/// Our media bug on a leg, as the host's handle.
#[derive(Clone, Copy)]
pub struct Bug(pub(super) NonNull<host::switch_media_bug_t>);

// SAFETY: the handle is a pointer that only the host follows, under its own locks; sharing it between threads is how
// every module of the host uses it.
unsafe impl Send for Bug {}

impl<'a> Session<'a> {
    /// Wraps what a callback of the host got.
    ///
    /// # Safety
    /// `session` is null or a session that lives for `'a`.
    pub unsafe fn from_host(session: *mut host::switch_core_session_t) -> Option<Self> {
        NonNull::new(session).map(|session| Self { session, alive: PhantomData })
    }

    /// Its address: what the leg table goes by.
    pub fn address(self) -> usize {
        self.session.as_ptr() as usize
    }

    pub(super) fn raw(self) -> *mut host::switch_core_session_t {
        self.session.as_ptr()
    }

    fn channel(self) -> *mut host::switch_channel_t {
        // SAFETY: the session is alive; it has a channel from its birth to its end.
        unsafe { host::switch_core_session_get_channel(self.raw()) }
    }

    /// The uuid it has now.
    pub fn uuid(self) -> LegUuid {
        // SAFETY: the session is alive; its uuid is a NUL-terminated array within it.
        let text = unsafe { copy(host::switch_core_session_get_uuid(self.raw())) };
        LegUuid::from_host(&text.unwrap_or_default())
    }

    /// The channel's name, `sofia/internal/1000@…`.
    pub fn name(self) -> Vec<u8> {
        // SAFETY: the channel lives with its session; the name is copied before anything else runs.
        unsafe { copy(host::switch_channel_get_name(self.channel())) }.unwrap_or_default()
    }

    /// A channel variable or a field of the caller's profile, as text. Copies into the session's pool each time: a
    /// few times in a leg's life, never per frame.
    pub fn variable(self, name: &CStr) -> Option<String> {
        // SAFETY: channel and name are alive; with `dup` the host gives a copy that lives as long as the session.
        let value = unsafe {
            copy(host::switch_channel_get_variable_dup(self.channel(), name.as_ptr(), host::SWITCH_TRUE, -1))
        };
        value.map(|bytes| readable(&bytes))
    }

    /// Sets a channel variable; the host copies both.
    pub fn set_variable(self, name: &CStr, value: &str) {
        let value = c_string(value);
        // SAFETY: channel and both strings are alive for the call.
        unsafe {
            host::switch_channel_set_variable_var_check(
                self.channel(),
                name.as_ptr(),
                value.as_ptr(),
                host::SWITCH_FALSE,
            )
        };
    }

    /// Which way the leg was set up.
    pub fn direction(self) -> Direction {
        // SAFETY: the channel is alive.
        match unsafe { host::switch_channel_direction(self.channel()) } {
            host::SWITCH_CALL_DIRECTION_OUTBOUND => Direction::Outbound,
            _ => Direction::Inbound,
        }
    }

    /// Whether a flag stands.
    pub fn flag(self, flag: Flag) -> bool {
        // SAFETY: the channel is alive; the value is one of the host's enumeration.
        unsafe { host::switch_channel_test_flag(self.channel(), flag.value()) != 0 }
    }

    /// Sets a flag.
    pub fn set_flag(self, flag: Flag) {
        // SAFETY: as for `flag`.
        unsafe { host::switch_channel_set_flag_value(self.channel(), flag.value(), 1) };
    }

    /// Clears a flag.
    pub fn clear_flag(self, flag: Flag) {
        // SAFETY: as for `flag`.
        unsafe { host::switch_channel_clear_flag(self.channel(), flag.value()) };
    }

    /// Media is there, whatever state the channel is in (`switch_channel_test_ready`, readiness not asked).
    pub fn has_media(self) -> bool {
        // SAFETY: the channel is alive.
        unsafe { host::switch_channel_test_ready(self.channel(), host::SWITCH_FALSE, host::SWITCH_TRUE) != 0 }
    }

    /// The leg has not hung up.
    pub fn is_up(self) -> bool {
        // SAFETY: the channel is alive.
        unsafe { host::switch_channel_get_state(self.channel()) < host::CS_HANGUP }
    }

    /// It is up, and nobody moves it elsewhere at this moment (`switch_channel_ready`).
    pub fn is_ready(self) -> bool {
        // SAFETY: the channel is alive.
        unsafe { host::switch_channel_test_ready(self.channel(), host::SWITCH_TRUE, host::SWITCH_FALSE) != 0 }
    }

    /// It is being rung, or lies idle until whoever rang it joins it: nobody has moved it elsewhere.
    pub fn is_only_rung(self) -> bool {
        // SAFETY: the channel is alive.
        let state = unsafe { host::switch_channel_get_state(self.channel()) };
        state <= host::CS_ROUTING || state == host::CS_CONSUME_MEDIA
    }

    /// It hung up because another leg of its ring group answered.
    pub fn lost_race(self) -> bool {
        // SAFETY: the channel is alive.
        unsafe { host::switch_channel_get_cause(self.channel()) == host::SWITCH_CAUSE_LOSE_RACE }
    }

    /// The uuid of the leg it was born for or is bridged to.
    pub fn partner(self) -> Option<LegUuid> {
        let mut buffer = [0_u8; LegUuid::MAX + 1];
        // SAFETY: the host writes at most the length given, NUL included, and returns null where there is none.
        let partner = unsafe {
            host::switch_channel_get_partner_uuid_copy(
                self.channel(),
                buffer.as_mut_ptr().cast(),
                buffer.len() as host::switch_size_t,
            )
        };
        if partner.is_null() {
            return None;
        }
        let text = CStr::from_bytes_until_nul(&buffer).ok()?.to_bytes();
        (!text.is_empty()).then(|| LegUuid::from_host(text))
    }

    /// Whether the calling thread is the session's own.
    pub fn in_own_thread(self) -> bool {
        // SAFETY: the session is alive.
        unsafe { host::switch_core_session_in_thread(self.raw()) == host::SWITCH_TRUE }
    }

    /// Answers an inbound leg (RFC 3261 200 OK); true where it is answered afterwards.
    pub fn answer(self) -> bool {
        // SAFETY: channel and strings are alive; the function only keeps the pointers while it runs.
        unsafe { host::switch_channel_perform_answer(self.channel(), SOURCE.as_ptr(), c"answer".as_ptr(), 0) };
        self.flag(Flag::Answered)
    }

    /// Hangs the leg up because it took too long to answer.
    pub fn give_up(self) {
        // SAFETY: channel and strings are alive; the function only keeps the pointers while it runs.
        unsafe {
            host::switch_channel_perform_hangup(
                self.channel(),
                SOURCE.as_ptr(),
                c"give_up".as_ptr(),
                0,
                host::SWITCH_CAUSE_ALLOTTED_TIMEOUT,
            )
        };
    }

    /// Plays a file or stream to the leg in this thread; returns when it ended.
    pub fn play(self, source: &str) -> Played {
        let source = c_string(source);
        // SAFETY: session and string are alive for the call, which blocks until playing ended.
        match unsafe { host::play_callvault_shim(self.raw(), source.as_ptr()) } {
            host::SWITCH_STATUS_SUCCESS => Played::Whole,
            _ => Played::Not,
        }
    }

    /// Lets the host listen for digits in the audio (switch_ivr_async.c:switch_ivr_inband_dtmf_session); they then come
    /// as all others do. It decodes the leg for that.
    pub fn listen_for_inband_digits(self) -> bool {
        // SAFETY: the session is alive and its media is there, or the host would answer the leg first.
        self.has_media() && unsafe { host::switch_ivr_inband_dtmf_session(self.raw()) == host::SWITCH_STATUS_SUCCESS }
    }

    /// Describes the session to the far end anew, where its endpoint can (mod_sofia: a re-INVITE).
    pub fn describe_media_again(self) {
        // SAFETY: the session is alive for the call.
        unsafe { host::describe_media_again_callvault_shim(self.raw()) };
    }

    /// The packets that RTP itself counts as sent; `None` where the endpoint keeps no such count.
    pub fn packets_sent(self) -> Option<u64> {
        // SAFETY: the session is alive and this is one of its own threads, so its RTP session stays.
        u64::try_from(unsafe { host::rtp_packets_sent_callvault_shim(self.raw()) }).ok()
    }

    /// Audio flows towards the party: neither side holds it back.
    pub fn media_flows_out(self) -> bool {
        // SAFETY: the session is alive.
        let flow = unsafe { host::switch_core_session_media_flow(self.raw(), host::SWITCH_MEDIA_TYPE_AUDIO) };
        matches!(flow, host::SWITCH_MEDIA_FLOW_SENDRECV | host::SWITCH_MEDIA_FLOW_SENDONLY)
    }

    /// The packet time of what is written to the leg, in microseconds; 20 ms where it has no codec yet.
    pub fn write_ptime_us(self) -> u32 {
        // SAFETY: all zeros is a value of this plain C structure; the host copies its own into it.
        let mut implementation: host::switch_codec_implementation = unsafe { std::mem::zeroed() };
        // SAFETY: the session is alive, the target is ours and as large as the host's type (layout.rs).
        unsafe { host::switch_core_session_get_write_impl(self.raw(), &raw mut implementation) };
        u32::try_from(implementation.microseconds_per_packet).ok().filter(|&us| us > 0).unwrap_or(20_000)
    }

    /// Runs an application on the leg here and now, as its dialplan would.
    pub fn run_application(self, name: &str, arguments: &str) {
        let (name, arguments) = (c_string(name), c_string(arguments));
        // SAFETY: the session is alive and this thread is the one that works it; both strings are alive for the call.
        unsafe {
            host::switch_core_session_execute_application_get_flags(
                self.raw(),
                name.as_ptr(),
                arguments.as_ptr(),
                ptr::null_mut(),
            )
        };
    }

    /// Plays a sound and reads so many keys, each of which is waited for so long; `None` where fewer came
    /// (switch_ivr_play_say.c:switch_ivr_read).
    pub fn read_keys(self, sound: &CStr, count: usize, each_ms: u32) -> Option<String> {
        let mut keys = [0_u8; 64];
        let count = u32::try_from(count.min(keys.len() - 1)).ok()?;
        // SAFETY: the session is alive and this thread is the one that reads it; the host writes at most the buffer's
        // length, NUL included.
        let status = unsafe {
            host::switch_ivr_read(
                self.raw(),
                count,
                count,
                sound.as_ptr(),
                ptr::null(),
                keys.as_mut_ptr().cast(),
                keys.len(),
                each_ms,
                ptr::null(),
                0,
            )
        };
        let read = CStr::from_bytes_until_nul(&keys).ok()?.to_str().ok()?;
        (status == host::SWITCH_STATUS_SUCCESS).then(|| read.to_owned())
    }

    /// Runs an application on the leg's own thread, when it gets to it.
    pub fn queue_application(self, name: &CStr, arguments: &str) {
        let arguments = c_string(arguments);
        // SAFETY: the host copies both strings into the message it queues.
        unsafe { host::switch_core_session_execute_application_async(self.raw(), name.as_ptr(), arguments.as_ptr()) };
    }

    /// Wakes the thread that waits for the leg's next packet, where one does: without a timer the far end's silence may
    /// last (switch_rtp.c:switch_rtp_break).
    pub fn wake_reader(self) {
        // SAFETY: the session is alive; the strings are static.
        unsafe {
            host::switch_core_session_perform_kill_channel(
                self.raw(),
                SOURCE.as_ptr(),
                c"wake_reader".as_ptr(),
                0,
                host::SWITCH_SIG_BREAK,
            )
        };
    }

    /// Hangs the leg up, as an operator would.
    pub fn hang_up(self) {
        // SAFETY: channel and strings are alive; the function only keeps the pointers while it runs.
        unsafe {
            host::switch_channel_perform_hangup(
                self.channel(),
                SOURCE.as_ptr(),
                c"hang_up".as_ptr(),
                0,
                host::SWITCH_CAUSE_NORMAL_CLEARING,
            )
        };
    }

    /// Mixes a sound into what this leg's party hears, and nobody else (switch_ivr_async.c:switch_ivr_displace_session);
    /// the host takes its bug for it off at the sound's end.
    pub fn mix_in(self, source: &CStr) -> bool {
        // SAFETY: session and strings are alive for the call; the host copies the source's name.
        unsafe {
            host::switch_ivr_displace_session(self.raw(), source.as_ptr(), 0, c"m".as_ptr())
                == host::SWITCH_STATUS_SUCCESS
        }
    }

    /// Bugs of that function on the leg.
    pub fn bugs_of(self, function: &CStr) -> u32 {
        // SAFETY: session and string are alive for the call.
        unsafe { host::switch_core_media_bug_count(self.raw(), function.as_ptr()) }
    }

    /// Adds our media bug: native write side only, not paused by others, not locked (ARCHITECTURE.md, The tap). `data` is given
    /// back to the callback and must live until the session's destruction.
    pub(super) fn add_bug(self, callback: host::switch_media_bug_callback_t, data: *mut c_void) -> Option<Bug> {
        let mut bug = ptr::null_mut();
        let flags = host::SMBF_TAP_NATIVE_WRITE | host::SMBF_NO_PAUSE;
        // SAFETY: the session is alive; the host copies the names; callback and data live by this function's contract.
        let status = unsafe {
            host::switch_core_media_bug_add(
                self.raw(),
                BUG_NAME.as_ptr(),
                ptr::null(),
                callback,
                data,
                0,
                flags,
                &raw mut bug,
            )
        };
        if status == host::SWITCH_STATUS_SUCCESS { NonNull::new(bug).map(Bug) } else { None }
    }

    /// Removes our media bug; its CLOSE comes before this returns.
    pub fn remove_bug(self, bug: Bug) {
        let mut bug = bug.0.as_ptr();
        // SAFETY: the session is alive; the host looks the handle up among the session's bugs before it touches it.
        unsafe { host::switch_core_media_bug_remove(self.raw(), &raw mut bug) };
    }
}

/// A session under the host's read lock: it stays until this is dropped.
pub struct Located(Session<'static>);

impl Located {
    /// Finds a live session by uuid.
    pub fn by_uuid(uuid: &LegUuid) -> Option<Self> {
        let uuid = c_string(uuid.as_str());
        // SAFETY: the string is alive for the call; a session comes back with its read lock held.
        unsafe {
            let session =
                host::switch_core_session_perform_locate(uuid.as_ptr(), SOURCE.as_ptr(), c"locate".as_ptr(), 0);
            Session::from_host(session).map(Self)
        }
    }
}

impl Deref for Located {
    type Target = Session<'static>;

    fn deref(&self) -> &Session<'static> {
        &self.0
    }
}

impl Drop for Located {
    fn drop(&mut self) {
        // SAFETY: `by_uuid` took this session's read lock; it is given back once, here.
        unsafe { host::switch_core_session_rwunlock(self.0.raw()) };
    }
}

/// Has the media of this leg, and of the one it is bridged to, brought back to the host, in a thread of the host's
/// that may wait for both far ends (switch_ivr.c:switch_ivr_media). What became of it shows in the leg's flags.
pub fn bring_media_back(uuid: &LegUuid) {
    let uuid = c_string(uuid.as_str());
    // SAFETY: the host copies the string into the job that it starts.
    unsafe { host::switch_ivr_bg_media(uuid.as_ptr(), host::SMF_REBRIDGE, host::SWITCH_TRUE, host::SWITCH_FALSE, 0) };
}

/// The uuids of all sessions that exist now.
pub fn all_uuids() -> Vec<LegUuid> {
    let mut uuids = Vec::new();
    // SAFETY: the list is ours until it is freed here; its nodes are NUL-terminated strings.
    unsafe {
        let mut matches = host::switch_core_session_findall();
        if matches.is_null() {
            return uuids;
        }
        let mut node = (*matches).head;
        while !node.is_null() {
            uuids.extend(copy((*node).val).map(|text| LegUuid::from_host(&text)));
            node = (*node).next;
        }
        host::switch_console_free_matches(&raw mut matches);
    }
    uuids
}

/// What was measured of a source that the host can play.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// Its length in samples of the rate that was asked for.
    pub samples: u64,
    /// Its mean power, a full square being 1.
    pub power: f64,
}

/// Measures anything the host can play; `None` where it has no length (missing, endless).
pub fn measure(source: &str, rate: u32) -> Option<Measured> {
    let source = c_string(source);
    let (mut samples, mut power) = (0, 0.0);
    // SAFETY: string and targets are alive for the call.
    let status = unsafe { host::measure_callvault_shim(source.as_ptr(), rate, &raw mut samples, &raw mut power) };
    (status == 0).then_some(Measured { samples, power })
}
