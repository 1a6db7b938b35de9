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

struct waiting {
	int (*go_on)(void *data);
	void *data;
};

static switch_status_t take_digit(switch_core_session_t *session, void *input, switch_input_type_t type, void *buf, unsigned int buflen)
{
	(void)session;
	(void)input;
	(void)type;
	(void)buf;
	(void)buflen;
	return SWITCH_STATUS_SUCCESS;
}

static switch_status_t look_whether_to_go_on(switch_core_session_t *session, switch_frame_t *frame, void *user_data)
{
	struct waiting *waiting = user_data;

	(void)session;
	(void)frame;
	return waiting->go_on(waiting->data) ? SWITCH_STATUS_SUCCESS : SWITCH_STATUS_TIMEOUT;
}

void wait_for_answer_callvault_shim(switch_core_session_t *session, uint32_t ms, int (*go_on)(void *data), void *data)
{
	struct waiting waiting = { go_on, data };
	switch_input_args_t args = { 0 };

	args.input_callback = take_digit;
	args.read_frame_callback = look_whether_to_go_on;
	args.user_data = &waiting;
	switch_ivr_sleep(session, ms, SWITCH_FALSE, &args);
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
