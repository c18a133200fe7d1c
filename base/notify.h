/*
 * base/notify.h - tells the service manager how the program is doing, as sd_notify(3) of systemd defines it.
 *
 * One datagram a message, to the socket that NOTIFY_SOCKET names: a path, or an abstract name behind '@'. Without that
 * variable nobody wants to know, and nothing is done. Who asks has no use for a failure, so there is none: a manager that
 * hears nothing in time acts by itself.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

/* It serves, or does so again after a reload. Any thread. */
void notify_ready(void);

/* It reads its settings again; notify_ready follows. Any thread. */
void notify_reloading(void);

/* It is about to end. Any thread. */
void notify_stopping(void);

/* One line for who looks at the service. Any thread. */
void notify_status(const char *status);

/* It is alive. Any thread. */
void notify_alive(void);

#endif
