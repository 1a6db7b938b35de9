#include "shim.h"

void log_callvault_shim(const char *uuid, int level, const char *text)
{
	switch_log_printf(SWITCH_CHANNEL_ID_LOG, "mod_callvault", "callvault", 0, uuid, (switch_log_level_t)level, "%s\n", text);
}

switch_event_t *event_custom_callvault_shim(const char *subclass)
{
	switch_event_t *event = NULL;

	if (switch_event_create_subclass(&event, SWITCH_EVENT_CUSTOM, subclass) != SWITCH_STATUS_SUCCESS) {
		return NULL;
	}
	return event;
}

void event_header_callvault_shim(switch_event_t *event, const char *name, const char *value)
{
	switch_event_add_header_string(event, SWITCH_STACK_BOTTOM, name, value);
}

void event_fire_callvault_shim(switch_event_t *event)
{
	switch_event_fire(&event);
}

struct decoder_callvault_shim {
	/* switch_codec_t has grown between versions of one API version: leave room behind it. */
	union {
		switch_codec_t codec;
		uint8_t room[sizeof(switch_codec_t) + 512];
	} handle;
	switch_memory_pool_t *pool;
};

decoder_callvault_shim_t *decoder_open_callvault_shim(const char *name, uint32_t rate, int ptime_ms, int channels)
{
	switch_memory_pool_t *pool = NULL;
	decoder_callvault_shim_t *decoder;

	if (switch_core_new_memory_pool(&pool) != SWITCH_STATUS_SUCCESS) {
		return NULL;
	}
	decoder = switch_core_alloc(pool, sizeof(*decoder));
	decoder->pool = pool;
	if (switch_core_codec_init(&decoder->handle.codec, name, NULL, NULL, rate, ptime_ms, channels, SWITCH_CODEC_FLAG_DECODE, NULL, pool)
		!= SWITCH_STATUS_SUCCESS) {
		switch_core_destroy_memory_pool(&pool);
		return NULL;
	}
	return decoder;
}

int decoder_decode_callvault_shim(decoder_callvault_shim_t *decoder, const void *payload, uint32_t length,
								  int16_t *out, uint32_t *samples, uint32_t *rate)
{
	switch_codec_t *codec = &decoder->handle.codec;
	uint32_t bytes = *samples * (uint32_t)sizeof(int16_t);
	unsigned int flag = 0;

	*rate = codec->implementation->actual_samples_per_second;
	if (switch_core_codec_decode(codec, NULL, (void *)payload, length, *rate, out, &bytes, rate, &flag) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	*samples = bytes / (uint32_t)sizeof(int16_t);
	return 0;
}

void decoder_close_callvault_shim(decoder_callvault_shim_t *decoder)
{
	switch_memory_pool_t *pool = decoder->pool;

	switch_core_codec_destroy(&decoder->handle.codec);
	switch_core_destroy_memory_pool(&pool);
}

int64_t rtp_packets_sent_callvault_shim(switch_core_session_t *session)
{
	switch_rtp_stats_t *stats = switch_core_media_get_stats(session, SWITCH_MEDIA_TYPE_AUDIO, NULL);

	return stats ? (int64_t)stats->outbound.packet_count : -1;
}

int interface_lock_callvault_shim(switch_loadable_module_interface_t *interface)
{
	return switch_thread_rwlock_tryrdlock(interface->rwlock) == SWITCH_STATUS_SUCCESS ? 0 : -1;
}

void interface_unlock_callvault_shim(switch_loadable_module_interface_t *interface)
{
	switch_thread_rwlock_unlock(interface->rwlock);
}

void application_leave_callvault_shim(switch_application_interface_t *application)
{
	UNPROTECT_INTERFACE(application);
}

void application_enter_callvault_shim(switch_application_interface_t *application)
{
	PROTECT_INTERFACE(application);
}

switch_status_t play_callvault_shim(switch_core_session_t *session, const char *source)
{
	switch_file_handle_t handle = { 0 };

	/* With arguments a digit would break it, or be taken out of the queue: without, it stays for whoever reads it next. */
	return switch_ivr_play_file(session, &handle, source, NULL);
}

/* What is written while a leg is attended: a source of the host's, or silence. */
struct writing {
	switch_file_handle_t file;
	switch_codec_t codec;
	switch_frame_t frame;
	switch_time_t begun;
	int64_t written;
};

static int begin_writing(switch_core_session_t *session, struct writing *writing, const char *source)
{
	switch_codec_implementation_t leg = { 0 };
	uint32_t bytes;

	if (switch_core_session_get_write_impl(session, &leg) != SWITCH_STATUS_SUCCESS || !leg.actual_samples_per_second
		|| switch_core_codec_init(&writing->codec, "L16", NULL, NULL, leg.actual_samples_per_second, leg.microseconds_per_packet / 1000,
								  leg.number_of_channels, SWITCH_CODEC_FLAG_ENCODE | SWITCH_CODEC_FLAG_DECODE, NULL, NULL)
			   != SWITCH_STATUS_SUCCESS) {
		return 0;
	}
	bytes = writing->codec.implementation->decoded_bytes_per_packet;
	if (!(writing->frame.data = calloc(1, bytes))) {
		switch_core_codec_destroy(&writing->codec);
		return 0;
	}
	writing->frame.codec = &writing->codec;
	writing->frame.buflen = writing->frame.datalen = bytes;
	writing->frame.samples = writing->codec.implementation->samples_per_packet;
	writing->frame.rate = writing->codec.implementation->actual_samples_per_second;
	writing->frame.channels = writing->codec.implementation->number_of_channels;
	if (*source) {
		switch_core_file_open(&writing->file, source, writing->frame.channels, writing->frame.rate, SWITCH_FILE_FLAG_READ | SWITCH_FILE_DATA_SHORT, NULL);
	}
	writing->begun = switch_micro_time_now();
	return 1;
}

/* By the clock, not by what was read: another thread of the host's may read the same leg. */
static void write_what_is_due(switch_core_session_t *session, struct writing *writing)
{
	int64_t packet = writing->codec.implementation->microseconds_per_packet;
	int64_t due = (switch_micro_time_now() - writing->begun) / packet + 1;

	if (due - writing->written > 10) {
		/* Held, or the machine stood still: what was not heard then is not heard at once now. */
		writing->begun += (due - writing->written - 1) * packet;
		due = writing->written + 1;
	}
	for (; writing->written < due; writing->written++) {
		memset(writing->frame.data, 0, writing->frame.datalen);
		if (switch_test_flag((&writing->file), SWITCH_FILE_OPEN)) {
			switch_size_t length = writing->frame.samples;

			if (switch_core_file_read(&writing->file, writing->frame.data, &length) != SWITCH_STATUS_SUCCESS) {
				switch_core_file_close(&writing->file);
			}
		}
		switch_core_session_write_frame(session, &writing->frame, SWITCH_IO_FLAG_NONE, 0);
	}
}

void attend_callvault_shim(switch_core_session_t *session, const char *source, int takes_digits, int (*go_on)(void *data), void *data)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	struct writing writing = { { 0 } };
	switch_frame_t *heard = NULL;
	switch_dtmf_t digit;
	int writes = 0;

	while (go_on(data)) {
		/* Not the events: an application that somebody queued on the leg would run in here for as long as it likes. */
		switch_ivr_parse_all_messages(session);
		while (takes_digits && switch_channel_has_dtmf(channel)) {
			switch_channel_dequeue_dtmf(channel, &digit);
		}
		if (!switch_channel_test_ready(channel, SWITCH_FALSE, SWITCH_TRUE)) {
			switch_yield(10000);
			continue;
		}
		if (switch_core_session_read_frame(session, &heard, SWITCH_IO_FLAG_NONE, 0) != SWITCH_STATUS_SUCCESS) {
			switch_yield(10000);
		}
		if (source && (writes || (writes = begin_writing(session, &writing, source)))) {
			write_what_is_due(session, &writing);
		}
	}
	if (switch_test_flag((&writing.file), SWITCH_FILE_OPEN)) {
		switch_core_file_close(&writing.file);
	}
	if (writes) {
		switch_core_codec_destroy(&writing.codec);
		free(writing.frame.data);
	}
}

int media_path_callvault_shim(switch_core_session_t *session)
{
	switch_channel_t *channel = switch_core_session_get_channel(session);
	switch_rtp_t *rtp;

	if (!switch_channel_test_ready(channel, SWITCH_FALSE, SWITCH_TRUE)) {
		return MEDIA_PATH_SHUT;
	}
	if (!(rtp = switch_core_media_get_rtp_session(session, SWITCH_MEDIA_TYPE_AUDIO))) {
		return MEDIA_PATH_OPEN;
	}
	switch (switch_rtp_dtls_state(rtp, DTLS_TYPE_RTP)) {
	case DS_OFF:
	case DS_READY:
		break;
	default:
		return MEDIA_PATH_SHUT;
	}
	return switch_rtp_test_flag(rtp, SWITCH_RTP_FLAG_AUTOADJ) ? MEDIA_PATH_UNSETTLED : MEDIA_PATH_OPEN;
}

void describe_media_again_callvault_shim(switch_core_session_t *session)
{
	switch_core_session_message_t message = { 0 };

	message.message_id = SWITCH_MESSAGE_INDICATE_MEDIA_RENEG;
	message.from = __FILE__;
	switch_core_session_receive_message(session, &message);
}

int measure_callvault_shim(const char *source, uint32_t rate, uint64_t *samples, double *power)
{
	switch_file_handle_t handle = { 0 };
	int16_t buffer[2048];
	uint64_t total = 0;
	double sum = 0;
	int endless = 0;

	if (switch_core_file_open(&handle, source, 1, rate, SWITCH_FILE_FLAG_READ | SWITCH_FILE_DATA_SHORT, NULL) != SWITCH_STATUS_SUCCESS) {
		return -1;
	}
	while (!endless) {
		switch_size_t length = sizeof(buffer) / sizeof(buffer[0]);

		if (switch_core_file_read(&handle, buffer, &length) != SWITCH_STATUS_SUCCESS || !length) {
			break;
		}
		for (switch_size_t place = 0; place < length && place < sizeof(buffer) / sizeof(buffer[0]); place++) {
			sum += (double)buffer[place] * buffer[place];
		}
		total += length;
		/* An endless stream has no length, and ten minutes are no prompt. */
		endless = total > (uint64_t)rate * 600;
	}
	switch_core_file_close(&handle);
	*samples = total;
	*power = total ? sum / total / (32768.0 * 32768.0) : 0;
	return endless ? -1 : 0;
}
