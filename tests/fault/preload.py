"""What Python has to do with the preloaded library (preload.cc): its environment, the calls that it
counted, and the trace that it wrote."""
import collections
import fcntl
import os
import struct

# In the order of `Kind` in faults.h.
KINDS = ("write", "read", "sync", "truncate", "open", "lock", "rename", "unlink", "poll", "map",
         "stat", "send", "receive", "accept", "control", "statfs", "watch", "sendfile", "seek",
         "link", "access", "mode", "socket", "connect", "event", "epoll", "wait", "close", "random")

# What a call of each kind may do in place of its work; "+": and each later one as well. No EAGAIN for
# what is read from sockets: an event loop that is told of changes alone (EPOLLET) is never called for
# the bytes that it was denied, and no kernel denies them.
WAYS = {
    "write": ("EIO", "ENOSPC", "EINTR", "EAGAIN", "short", "EIO+", "ENOSPC+"),
    "read": ("EIO", "EINTR", "EAGAIN", "short", "EIO+"),
    "sync": ("EIO", "ENOSPC", "EINTR", "EIO+"),
    "truncate": ("EIO", "EINTR"),
    "open": ("EIO", "EINTR", "EMFILE", "ENOSPC", "EACCES"),
    "lock": ("EINTR", "ENOLCK", "EIO"),
    "rename": ("EIO", "ENOSPC"),
    "unlink": ("EIO",),
    "poll": ("EINTR", "ENOMEM"),
    "map": ("ENOMEM",),
    "stat": ("EIO",),
    "send": ("EINTR", "EAGAIN", "short", "ECONNRESET"),
    "receive": ("EINTR", "short", "ECONNRESET"),
    "accept": ("EINTR", "EMFILE", "ECONNABORTED"),
    "control": ("EIO", "EMFILE"),
    "statfs": ("EIO", "EINTR"),
    "watch": ("EMFILE", "ENOSPC"),
    "sendfile": ("EINTR", "short", "EIO", "ECONNRESET"),
    "seek": ("EIO",),
    "link": ("EIO", "ENOENT"),
    "access": ("EIO",),
    "mode": ("EIO", "EPERM"),
    "socket": ("EMFILE", "ENOBUFS"),
    "connect": ("EINTR", "ECONNRESET", "EAGAIN"),
    "event": ("EMFILE",),
    "epoll": ("ENOMEM", "ENOSPC"),
    "wait": ("EINTR",),
    "close": ("EIO", "EINTR", "ENOSPC"),
    "random": ("EINTR",),
}


def harmless(kind, way):
    """Never makes a tool fail: a call that can be begun anew, and a file that is looked at each second
    where it cannot be watched."""
    return way in ("EINTR", "short") or kind == "watch"

CREATED, WRITTEN, TRUNCATED, SYNCED, RENAMED, UNLINKED = range(1, 7)
ACKNOWLEDGED = 100  # by us: what the path names is promised from here on
HEAD = struct.Struct("<IIIIQQQ")

Event = collections.namedtuple("Event", "operation path new_path inode offset data")


def environment(library, folder, counts=None, fault=None, trace=None):
    """That of a process whose calls on files of `folder` are counted, or fail, or are recorded."""
    made = dict(os.environ, LD_PRELOAD=library, PAYSTATS_FAULT_FOLDER=folder)
    for name, value in (("COUNTS", counts), ("TRACE", trace)):
        if value is not None:
            made[f"PAYSTATS_FAULT_{name}"] = value
    if fault is not None:
        kind, n, way = fault
        made["PAYSTATS_FAULT"] = f"{kind}:{n}{'+' if way.endswith('+') else ''}:{way.rstrip('+')}"
    return made


def new_counts(path):
    with open(path, "wb") as file:
        file.write(bytes(8 * len(KINDS)))


def read_counts(path):
    with open(path, "rb") as file:
        return dict(zip(KINDS, struct.unpack(f"<{len(KINDS)}Q", file.read())))


def append_event(trace, event):
    """What was done by us and not by a tool takes its place in the trace."""
    path, new_path = event.path.encode(), event.new_path.encode()
    with open(trace, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(HEAD.pack(event.operation, len(path), len(new_path), 0, event.inode,
                             event.offset, len(event.data)) + path + new_path + event.data)


def read_trace(path):
    """Its events, in order."""
    events = []
    with open(path, "rb") as file:
        while head := file.read(HEAD.size):
            operation, path_bytes, new_bytes, _, inode, offset, size = HEAD.unpack(head)
            name, new_name = file.read(path_bytes).decode(), file.read(new_bytes).decode()
            events.append(Event(operation, name, new_name, inode, offset, file.read(size)))
    return events
