"""How a process inside the box gives up, before it runs a learner's code, everything that such code could misuse.

This runs in the box, on Linux, and talks to the kernel through its C library. Names and numbers are those of the
manual pages unshare(2), mount(2), madvise(2), prctl(2), capset(2), seccomp(2) and of ``linux/audit.h``.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import platform
import signal
import struct
import time

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWPID = 0x00020000, 0x08000000, 0x20000000
_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_RDONLY = 2, 4, 8, 1
_MS_BIND, _MS_REC, _MS_PRIVATE = 4096, 16384, 1 << 18
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _PR_CAPBSET_DROP, _PR_CAP_AMBIENT = 1, 38, 22, 24, 47
_EPERM, _ENOSYS = 1, 38
_MADV_COLLAPSE, _HUGE = 25, 2 << 20

# Calls that a learner's code has no use for: new processes and threads, other programs, looking into other
# processes, mounts and namespaces, sockets, keys, the kernel's log, and memory that is not counted as its own.
_CALLS = {
    # name: (x86-64, AArch64), None where there is no such call
    "clone": (56, 220),
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "mount": (165, 40),
    "umount2": (166, 39),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "syslog": (103, 116),
}
_CLONE3 = 435
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _ask(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def fork_apart() -> int:
    """As ``os.fork``, with the new process in its own process, mount and IPC namespaces (clone(2)).

    It is one call, because copying a process that has torch loaded is most of what a job costs: a fork after
    ``unshare`` would copy it twice. Raises OSError where the kernel refuses.
    """
    # PyDLL keeps Python's lock over the call, so that the copy has it as os.fork would leave it.
    system, python = ctypes.PyDLL(None, use_errno=True), ctypes.pythonapi
    number = _CALLS["clone"][_MACHINES[platform.machine()][0]]
    python.PyOS_BeforeFork()
    pid = system.syscall(number, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    error = ctypes.get_errno()
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(error, f"clone: {os.strerror(error)}")
    return pid


def fold_memory() -> None:
    """Have the kernel put this process's own memory into huge pages, where it can (Linux 6.1 and later).

    Copying a process copies its table of pages, which is most of what a job costs where torch is loaded.
    """
    libc = _libc()
    with contextlib.suppress(OSError), open("/proc/self/maps", encoding="utf-8", errors="replace") as stream:
        for line in stream.readlines():
            span, rights, _, _, _, *name = line.split(maxsplit=5)
            start, end = (int(number, 16) for number in span.split("-"))
            if rights.startswith("rw") and end - start >= _HUGE and (not name or name[0].strip() == "[heap]"):
                libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_COLLAPSE)


def die_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends."""
    _ask(_libc().prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "PR_SET_PDEATHSIG")


def own_mounts(scratch: str, bytes: int, files: int) -> None:
    """An empty scratch folder of limited size, and no /proc."""
    libc = _libc()

    def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
        texts = [None if t is None else t.encode() for t in (source, target, kind, data)]
        _ask(libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3]), f"mount {target}")

    safe = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    mount("tmpfs", scratch, "tmpfs", safe, f"size={bytes},nr_inodes={files},mode=700")
    # Programs are not started here, and what /proc tells of a process is nobody's business.
    mount("tmpfs", "/proc", "tmpfs", safe | _MS_RDONLY, "size=4k,mode=000")


def limit(memory: int, seconds: int, file_bytes: int) -> None:
    """Limit memory (beyond what is mapped already), processor time and the size of files; no core dumps."""
    import resource

    with open("/proc/self/statm") as stream:
        mapped = int(stream.read().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: mapped + memory,
        resource.RLIMIT_CPU: seconds + math.ceil(time.process_time()),
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
    }
    for which, value in limits.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # The signal of the softer limit on time tells why; the harder one ends who would not hear of it.
        over = 1 if which == resource.RLIMIT_CPU and hard in (resource.RLIM_INFINITY, value + 1) else 0
        resource.setrlimit(which, (value, value + over))


def drop_privileges() -> None:
    """Give up every capability for good, and the right to win any by starting a program."""
    libc = _libc()
    _ask(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    libc.prctl(_PR_CAP_AMBIENT, 4, 0, 0, 0)  # PR_CAP_AMBIENT_CLEAR_ALL
    for capability in range(64):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _ask(libc.capset(ctypes.c_char_p(header), ctypes.c_char_p(bytes(24))), "capset")


def refuse_calls() -> bool:
    """Have the kernel refuse the calls listed above; False on a processor whose numbers are not known here."""
    if platform.machine() not in _MACHINES:
        return False
    column, arch = _MACHINES[platform.machine()]
    numbers = sorted(number for pair in _CALLS.values() if (number := pair[column]) is not None)
    load, jump_equal, jump_above, give = 0x20, 0x15, 0x35, 0x06
    allow, refuse, unknown = 0x7FFF0000, 0x00050000 | _EPERM, 0x00050000 | _ENOSYS
    # A call of another architecture, or of the 32-bit variant of x86-64, has other numbers: refuse them all.
    program = [(load, 0, 0, 4), (jump_equal, 1, 0, arch), (give, 0, 0, refuse), (load, 0, 0, 0)]
    program += [(jump_above, 0, 1, 0x40000000), (give, 0, 0, refuse)]
    # C libraries try clone3 first and fall back to clone, whose flags can be looked at.
    program += [(jump_equal, 0, 1, _CLONE3), (give, 0, 0, unknown)]
    for number in numbers:
        program += [(jump_equal, 0, 1, number), (give, 0, 0, refuse)]
    program.append((give, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
    filters = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code))
    _ask(_libc().prctl(_PR_SET_SECCOMP, 2, ctypes.c_char_p(filters), 0, 0), "PR_SET_SECCOMP")
    return True
