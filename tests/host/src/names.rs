//! The host's enumerations by name: a number means something else in another version, a name does not.
use crate::bindings as host;

/// A name and what it is in the headers that this was built with.
pub type Named = (&'static str, u32);

macro_rules! named {
    ($($name:literal $value:ident)*) => { &[$(($name, host::$value as u32)),*] };
}

/// Messages to a leg.
pub const MESSAGES: &[Named] = named! {
    "ANSWER" SWITCH_MESSAGE_INDICATE_ANSWER
    "ANSWER_EVENT" SWITCH_MESSAGE_ANSWER_EVENT
    "PROGRESS" SWITCH_MESSAGE_INDICATE_PROGRESS
    "PROGRESS_EVENT" SWITCH_MESSAGE_PROGRESS_EVENT
    "RINGING" SWITCH_MESSAGE_INDICATE_RINGING
    "RING_EVENT" SWITCH_MESSAGE_RING_EVENT
    "BRIDGE" SWITCH_MESSAGE_INDICATE_BRIDGE
    "UNBRIDGE" SWITCH_MESSAGE_INDICATE_UNBRIDGE
    "APPLICATION_EXEC" SWITCH_MESSAGE_INDICATE_APPLICATION_EXEC
    "APPLICATION_EXEC_COMPLETE" SWITCH_MESSAGE_INDICATE_APPLICATION_EXEC_COMPLETE
    "HARD_MUTE" SWITCH_MESSAGE_INDICATE_HARD_MUTE
    "UUID_CHANGE" SWITCH_MESSAGE_INDICATE_UUID_CHANGE
    "TRANSFER" SWITCH_MESSAGE_INDICATE_TRANSFER
    "REFER_EVENT" SWITCH_MESSAGE_REFER_EVENT
    "HOLD" SWITCH_MESSAGE_INDICATE_HOLD
    "UNHOLD" SWITCH_MESSAGE_INDICATE_UNHOLD
    "MEDIA" SWITCH_MESSAGE_INDICATE_MEDIA
    "NOMEDIA" SWITCH_MESSAGE_INDICATE_NOMEDIA
    "3P_MEDIA" SWITCH_MESSAGE_INDICATE_3P_MEDIA
    "3P_NOMEDIA" SWITCH_MESSAGE_INDICATE_3P_NOMEDIA
    "REQUEST_IMAGE_MEDIA" SWITCH_MESSAGE_INDICATE_REQUEST_IMAGE_MEDIA
};

/// Flags of a channel.
pub const FLAGS: &[Named] = named! {
    "answered" CF_ANSWERED
    "leg_holding" CF_LEG_HOLDING
    "hold" CF_HOLD
    "proxy_mode" CF_PROXY_MODE
    "proxy_media" CF_PROXY_MEDIA
    "bridged" CF_BRIDGED
    "suspend" CF_SUSPEND
    "break" CF_BREAK
    "early_media" CF_EARLY_MEDIA
    "media_moves" CF_MEDIA_TRANS
    "ice" CF_ICE
    "bypass_after_bridge" CF_BYPASS_MEDIA_AFTER_BRIDGE
    "fax" CF_T38_PASSTHRU
};

/// States of a channel.
pub const STATES: &[Named] = named! {
    "new" CS_NEW
    "init" CS_INIT
    "routing" CS_ROUTING
    "soft_execute" CS_SOFT_EXECUTE
    "execute" CS_EXECUTE
    "exchange_media" CS_EXCHANGE_MEDIA
    "park" CS_PARK
    "consume_media" CS_CONSUME_MEDIA
    "hibernate" CS_HIBERNATE
    "reset" CS_RESET
    "hangup" CS_HANGUP
    "reporting" CS_REPORTING
    "destroy" CS_DESTROY
    "none" CS_NONE
};

/// Ways that media flows.
pub const FLOWS: &[Named] = named! {
    "sendrecv" SWITCH_MEDIA_FLOW_SENDRECV
    "sendonly" SWITCH_MEDIA_FLOW_SENDONLY
    "recvonly" SWITCH_MEDIA_FLOW_RECVONLY
    "inactive" SWITCH_MEDIA_FLOW_INACTIVE
    "disabled" SWITCH_MEDIA_FLOW_DISABLED
};

/// How far a leg's DTLS handshake is.
pub const DTLS: &[Named] = named! {
    "off" DS_OFF
    "handshake" DS_HANDSHAKE
    "setup" DS_SETUP
    "ready" DS_READY
    "fail" DS_FAIL
    "invalid" DS_INVALID
};

/// Directions of a leg.
pub const DIRECTIONS: &[Named] = named! {
    "inbound" SWITCH_CALL_DIRECTION_INBOUND
    "outbound" SWITCH_CALL_DIRECTION_OUTBOUND
};

/// Events that a module may listen to.
pub const EVENTS: &[Named] = named! {
    "CHANNEL_HOLD" SWITCH_EVENT_CHANNEL_HOLD
    "CHANNEL_UNHOLD" SWITCH_EVENT_CHANNEL_UNHOLD
    "CHANNEL_CALLSTATE" SWITCH_EVENT_CHANNEL_CALLSTATE
    "CHANNEL_UUID" SWITCH_EVENT_CHANNEL_UUID
    "CHANNEL_ANSWER" SWITCH_EVENT_CHANNEL_ANSWER
    "CHANNEL_BRIDGE" SWITCH_EVENT_CHANNEL_BRIDGE
    "CHANNEL_UNBRIDGE" SWITCH_EVENT_CHANNEL_UNBRIDGE
    "CHANNEL_HANGUP_COMPLETE" SWITCH_EVENT_CHANNEL_HANGUP_COMPLETE
    "MEDIA_BUG_START" SWITCH_EVENT_MEDIA_BUG_START
    "CUSTOM" SWITCH_EVENT_CUSTOM
};

/// Flags of a frame, by one letter each.
pub const FRAMES: &[Named] = named! {
    "c" SFF_CNG
    "p" SFF_PROXY_PACKET
    "n" SFF_NOT_AUDIO
    "l" SFF_PLC
    "d" SFF_RFC2833
};

/// How playing and the like ended.
pub const STATUSES: &[Named] = named! {
    "success" SWITCH_STATUS_SUCCESS
    "false" SWITCH_STATUS_FALSE
    "break" SWITCH_STATUS_BREAK
    "not_found" SWITCH_STATUS_NOTFOUND
    "general" SWITCH_STATUS_GENERR
};

/// A value's name.
pub fn name_of(of: &[Named], value: u32) -> Option<&'static str> {
    of.iter().find(|(_, own)| *own == value).map(|(name, _)| *name)
}

/// A name's value.
pub fn value_of(of: &[Named], name: &str) -> Option<u32> {
    of.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
}
