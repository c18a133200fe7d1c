/*
 * base/core_dumps.h - a process whose memory is nobody else's to read: no core file, and no debugger of the same user.
 */
#ifndef BASE_CORE_DUMPS_H
#define BASE_CORE_DUMPS_H

/*
 * From now on the system writes no core file of the process, and hands none to a program that collects them; and only who may
 * trace any process (CAP_SYS_PTRACE) can attach to it, or read its memory and environment below /proc.
 */
void core_dumps_forbid(void);

#endif
