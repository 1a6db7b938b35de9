/* The host's variadic functions that the module calls: stable Rust defines none. */
#include <switch.h>

void stand_in_log(int level, const char *file, int line, const char *text);

void switch_log_printf(switch_text_channel_t channel, const char *file, const char *func, int line, const char *userdata,
					   switch_log_level_t level, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	(void)channel;
	(void)func;
	(void)userdata;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	stand_in_log((int)level, file, line, text);
}
