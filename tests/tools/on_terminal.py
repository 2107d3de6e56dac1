#!/usr/bin/env python3
"""on_terminal.py COLUMNSxLINES COMMAND...: runs COMMAND with stdout on a terminal of that size and
copies what it wrote there to our stdout. A line feed is shown as it was written. SIGTERM is passed
on. Ends with the status of COMMAND."""
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

columns, lines = (int(part) for part in sys.argv[1].split("x"))
master, slave = pty.openpty()
mode = termios.tcgetattr(slave)
mode[1] &= ~termios.OPOST
termios.tcsetattr(slave, termios.TCSANOW, mode)
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
run = subprocess.Popen(sys.argv[2:], stdout=slave)
signal.signal(signal.SIGTERM, lambda *_: run.terminate())
os.close(slave)
while True:
    try:
        written = os.read(master, 65536)
    except OSError:  # EIO: nobody has the other side open any more
        break
    if not written:
        break
    os.write(1, written)
sys.exit(run.wait() % 256)
