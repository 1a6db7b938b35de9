/* The host's macros, static inlines and variadics as plain functions. One suffix: _callvault_shim. */
#ifndef CALLVAULT_SHIM_H
#define CALLVAULT_SHIM_H
#include <switch.h>

/* switch_log_printf is variadic; the text is never the format. Levels are the host's switch_log_level_t. */
void log_callvault_shim(const char *uuid, int level, const char *text);

/* SWITCH_EVENT_CUSTOM of one subclass, filled through event_header_callvault_shim and fired once. */
switch_event_t *event_custom_callvault_shim(const char *subclass);
void event_header_callvault_shim(switch_event_t *event, const char *name, const char *value);
void event_fire_callvault_shim(switch_event_t *event);

/* switch_core_codec_init over memory that is larger than any version's switch_codec_t. */
typedef struct decoder_callvault_shim decoder_callvault_shim_t;
decoder_callvault_shim_t *decoder_open_callvault_shim(const char *name, uint32_t rate, int ptime_ms, int channels);
/* Decodes one payload into at most *samples host-endian samples (all channels); 0 where it could. */
int decoder_decode_callvault_shim(decoder_callvault_shim_t *decoder, const void *payload, uint32_t length,
								  int16_t *out, uint32_t *samples, uint32_t *rate);
void decoder_close_callvault_shim(decoder_callvault_shim_t *decoder);

/* The packets that RTP itself counts as sent on the leg's audio; -1 where the endpoint keeps no such count. */
int64_t rtp_packets_sent_callvault_shim(switch_core_session_t *session);

/* The interface lock that a plain unload tries to take (switch_loadable_module.c:do_shutdown). 0 where taken. */
int interface_lock_callvault_shim(switch_loadable_module_interface_t *interface);
void interface_unlock_callvault_shim(switch_loadable_module_interface_t *interface);

/* The lock that the host holds for a thread that is in an application (PROTECT_INTERFACE), let go and taken again. */
void application_leave_callvault_shim(switch_application_interface_t *application);
void application_enter_callvault_shim(switch_application_interface_t *application);

/* Plays a file or stream on the leg in this thread, digits left alone (switch_ivr_play_file). */
switch_status_t play_callvault_shim(switch_core_session_t *session, const char *source);

/* Works a leg packet by packet in this thread until `go_on`, asked before each packet, says 0: what comes is read and
   dropped, `source` is written by the clock (NULL: nothing; empty: silence; after a source's end: silence). No flag of the
   host's ends it. Digits are left where they are, or taken: then nobody who reads next has them. */
void attend_callvault_shim(switch_core_session_t *session, const char *source, int takes_digits, int (*go_on)(void *data), void *data);

/* Whether what is written to the leg goes out, and to where it should (switch_rtp.c:rtp_write_ready, rtp_common_read). */
#define MEDIA_PATH_OPEN 0
/* No media yet, or a DTLS handshake that has not ended, for which the host waits with an ICE check: dropped, uncounted. */
#define MEDIA_PATH_SHUT 1
/* RTP goes to the address in the session description, which the far end's packets have not confirmed yet. */
#define MEDIA_PATH_UNSETTLED 2
int media_path_callvault_shim(switch_core_session_t *session);

/* Has the endpoint describe the session to the far end anew (SWITCH_MESSAGE_INDICATE_MEDIA_RENEG). */
void describe_media_again_callvault_shim(switch_core_session_t *session);

/* The length of a playable source in samples at this rate and its mean power, a full square being 1, without playing
   it; 0 where both could be told. */
int measure_callvault_shim(const char *source, uint32_t rate, uint64_t *samples, double *power);

#endif
