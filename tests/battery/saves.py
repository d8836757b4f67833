"""Saves that meet a fault in one of their system calls, or whose process is killed.

After either, the file is whole: what it was, or what was saved; after a save without an error,
that. Faults come from strace, which lets a system call fail.
"""

import os
import signal
import subprocess
import time
from functools import cache

import numpy as np
from model_files import all_of

from fastnn import Network

CASES = 1000
KILLED = 0.2  # of them
ERRORS = ["EIO", "ENOSPC", "EDQUOT", "EACCES", "EMFILE", "EROFS", "ENOMEM", "EINTR"]
# Without which a process cannot even end, or waits without end; and that by which a child waits.
LEFT_OUT = (
    "!rt_sigreturn,rt_sigaction,rt_sigprocmask,rt_sigtimedwait,exit,exit_group,futex,wait4,"
    "restart_syscall"
)
SAVED, REFUSED, OTHER = 0, 1, 2
GO = signal.SIGUSR1


@cache
def networks():
    nets = [Network([30, 20, 5], seed=seed) for seed in (0, 1)]
    for net in nets:
        net.train(np.ones((3, 30)), np.ones((3, 5)), epochs=1, learning_rate=0.1, optimizer="adam")
    return nets


def child(work):
    """A process that waits for GO, works, and ends with what that returns."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [GO])  # until it waits for it
    to_read, ready = os.pipe()
    process = os.fork()
    if not process:
        try:
            os.write(ready, b"!")
            signal.sigwait([GO])  # the only call between this and work
            os._exit(work())
        finally:
            os._exit(OTHER)
    os.read(to_read, 1)
    os.close(to_read)
    os.close(ready)
    return process


def save(net, path):
    try:
        net.save(path, trainer=True)
    except (OSError, MemoryError):
        return REFUSED
    except BaseException:
        return OTHER
    return SAVED


def traced(work, *inject):
    """How a child ended whose calls strace saw; and these calls."""
    process = child(work)
    command = ["strace", "-p", str(process), "-e", f"trace={LEFT_OUT}", *inject]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert "attached" in tracer.stderr.readline()
        os.kill(process, GO)
        calls = [line for line in tracer.stderr if "(" in line]  # until it has ended
        _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status), calls


@cache
def calls_of_a_save(folder):
    """Their names, in order."""
    save(networks()[1], folder / "net")  # once, as the first save imports
    _, calls = traced(lambda: save(networks()[1], folder / "net"))
    return [one.partition("(")[0] for one in calls]


def check_file(path, expected):
    found = all_of(Network.load(path))
    assert found in [all_of(net) for net in expected]


def fault(rng, folder):
    older, newer = networks()
    path, names = folder / "net", calls_of_a_save(folder)
    older.save(path, trainer=True)
    k, error = rng.integers(len(names)), rng.choice(ERRORS)
    when = names[: k + 1].count(names[k])
    inject = ["-e", f"inject={names[k]}:error={error}:when={when}"]
    ended, calls = traced(lambda: save(newer, path), *inject)
    hit = next((one.split("(")[0] for one in calls if "INJECTED" in one), "nothing")
    what = f"{hit} with {error}, {ended}"
    assert ended in (SAVED, REFUSED), what
    check_file(path, [newer] if ended == SAVED else [older, newer])
    assert os.listdir(folder) == ["net"] or "unlink" in hit, (what, os.listdir(folder))
    return f"faults in {hit}"


def kill(rng, folder):
    """At any moment of saves of two networks in turns."""
    path = folder / "net"
    networks()[0].save(path, trainer=True)

    def work():
        while True:
            for net in networks():
                net.save(path, trainer=True)

    process = child(work)
    os.kill(process, GO)
    time.sleep(rng.uniform(0, 0.02))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    check_file(path, networks())
    return "kills"


def case(i, rng, folder):
    for left in folder.iterdir():  # by a kill
        left.unlink()
    return kill(rng, folder) if rng.random() < KILLED else fault(rng, folder)
