/* setup_templates.h - turnserver.conf.in and signald/signald.conf.in, as they were when this was
 * built. The source of both is made by embed.sh. */
#ifndef SETUP_TEMPLATES_H
#define SETUP_TEMPLATES_H

extern const char setup_turnserver_conf[], setup_signald_conf[];

#endif
