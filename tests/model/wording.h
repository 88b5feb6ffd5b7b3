/* wording.h - steps as the events of clients, in either vocabulary */
#ifndef WORDING_H
#define WORDING_H

#include "model.h"

struct wording {
	const char *event;
	bool ack; /* an answer is wanted */
	size_t n;
	char args[1024];
};
void wording_of(struct wording *w, const struct step *st);
const char *user_text(int user);
int user_of_text(const char *text); /* NOBODY: none of ours */

#endif
