/* call_media.c - call:media: which way a member's media go, for when a relay is lost */
#include <string.h>

#include "calls_priv.h"

/* "direct" or "relay". False: another word. */
static bool read_path(struct json_slice v, bool *direct)
{
	char word[8];

	if (json_string(v, word, sizeof(word)) < 0)
		return false;
	*direct = strcmp(word, "direct") == 0;
	return *direct || strcmp(word, "relay") == 0;
}

enum event_result calls_on_media(struct calls *cs, const struct incoming *in)
{
	struct call_request r;
	struct speaker sp;
	struct leg *leg;
	bool direct;

	if (!calls_read(cs, in, REQUEST_MEDIA, &r))
		return EVENT_DONE;
	if (!read_path(r.action, &direct)) {
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, r.room_name);
		return EVENT_DONE;
	}
	if (!calls_speaker(cs, in, &r, &sp))
		return EVENT_DONE;
	leg = &dialog_of(sp.c)->legs[sp.i];
	if (leg->socket != in->s) {
		count(cs, CALLS_N_ECHO);
		return EVENT_DONE;
	}
	if (leg->direct != direct) {
		leg->direct = direct;
		flow_changed(cs, sp.c);
	}
	return EVENT_DONE;
}

bool calls_media_direct(const struct calls *cs, const char *id)
{
	const struct call *c = call_table_find(cs->table, id);

	for (size_t i = 0; c && i < call_members_n(c); i++)
		if (call_member_state(c, i) == MEMBER_IN && dialog_of(c)->legs[i].direct)
			return true;
	return false;
}
