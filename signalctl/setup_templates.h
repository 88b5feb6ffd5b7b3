/* setup_templates.h - turnserver.conf.in, signald/signald.conf.in and the deploy hook of certbot,
 * as they were when this was built. Their source is made by embed.sh. */
#ifndef SETUP_TEMPLATES_H
#define SETUP_TEMPLATES_H

extern const char setup_turnserver_conf[], setup_signald_conf[], setup_certbot_hook[];

#endif
