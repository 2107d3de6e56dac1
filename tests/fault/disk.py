"""A disk whose power may fail: files and names of one folder, and what could be left of them.

    disk = Disk(folder_inode, {"log": (inode, data)})
    for event in events: disk.apply(event)
    disk.after_cut(random.Random(7))          # {name: data}

What was synced is there. Of what was not, each sector of 512 bytes is as it was before or after any of
the writes and truncations that touch it (what was never written reads as NULs), the file has any size
between the smallest and the largest that it had since, and names are there as of the last fsync of the
folder, with any of the changes since.
"""
import collections
import os

import preload

SECTOR = 512


class File:
    def __init__(self, data=b""):
        self.synced = data
        self.changes = []  # since then: (offset, bytes) of a write, (size, None) of a truncation

    def sync(self):
        self.synced, self.changes = self.images()[-1][0], []

    def images(self):
        """[(bytes, size)...]: as synced, and after each change since, without what is behind its size."""
        data = bytearray(self.synced)
        images = [(bytes(data), len(data))]
        for offset, written in self.changes:
            if written is None:
                del data[offset:]
                data.extend(bytes(offset - len(data)))
            else:
                data.extend(bytes(max(0, offset + len(written) - len(data))))
                data[offset:offset + len(written)] = written
            images.append((bytes(data), len(data)))
        return images

    def after_cut(self, rng):
        images = self.images()
        if rng.random() < 0.2:
            return rng.choice(images)[0]  # all of the first changes, and none of the others
        sizes = [size for _, size in images]
        longest = max(sizes)
        padded = [data.ljust(longest, b"\0") for data, _ in images]
        newest = len(padded) - 1
        sectors = range(0, longest, SECTOR)
        how = rng.choice(("newest", "oldest", "first", "last", "any", "any", "one lost"))
        edge = rng.choice(sectors) if sectors else 0
        data = bytearray()
        for at in sectors:
            version = {"newest": newest, "oldest": 0, "any": rng.randint(0, newest),
                       "first": newest if at < edge else 0, "last": newest if at >= edge else 0,
                       "one lost": 0 if at == edge else newest}[how]
            data += padded[version][at:at + SECTOR]
        size = rng.choice((sizes[0], sizes[-1], sizes[-1], rng.choice(sizes),
                           rng.randint(min(sizes), longest)))
        return bytes(data[:size])


Change = collections.namedtuple("Change", "old new file")  # of names; None: there is none


class Disk:
    def __init__(self, folder_inode, files):
        self.folder_inode = folder_inode
        self.files = {inode: File(data) for inode, data in files.values()}
        self.synced_names = {name: self.files[inode] for name, (inode, _) in files.items()}
        self.changes = []  # of names, since then

    def apply(self, event):
        name, new_name = os.path.basename(event.path), os.path.basename(event.new_path)
        if event.operation == preload.CREATED:
            self.files[event.inode] = File()
            self.changes.append(Change(None, name, self.files[event.inode]))
        elif event.operation == preload.WRITTEN:
            self.files[event.inode].changes.append((event.offset, event.data))
        elif event.operation == preload.TRUNCATED:
            self.files[event.inode].changes.append((event.offset, None))
        elif event.operation == preload.RENAMED:
            self.changes.append(Change(name, new_name, self._names(self.changes).get(name)))
        elif event.operation == preload.UNLINKED:
            self.changes.append(Change(name, None, None))
        elif event.operation == preload.SYNCED and event.inode == self.folder_inode:
            self.synced_names, self.changes = self._names(self.changes), []
        elif event.operation == preload.SYNCED:
            self.files[event.inode].sync()

    def _names(self, changes):
        names = dict(self.synced_names)
        for change in changes:
            if change.old is not None:
                names.pop(change.old, None)
            if change.new is not None:
                names[change.new] = change.file
        return names

    def settled(self):
        """True where a cut can leave one thing alone."""
        return not self.changes and not any(file.changes for file in self.files.values())

    def after_cut(self, rng):
        kept = rng.choice(("all", "some first", "any"))
        first = rng.randint(0, len(self.changes))
        changes = [change for i, change in enumerate(self.changes)
                   if kept == "all" or (i < first if kept == "some first" else rng.random() < 0.5)]
        return {name: file.after_cut(rng) for name, file in self._names(changes).items()}
