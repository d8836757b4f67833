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
# Without which a process cannot even end, or waits without end.
LEFT_OUT = "!rt_sigreturn,rt_sigaction,rt_sigprocmask,exit,exit_group,futex,wait4,restart_syscall"
SAVED, REFUSED, OTHER = 0, 1, 2


@cache
def networks():
    nets = [Network([30, 20, 5], seed=seed) for seed in (0, 1)]
    for net in nets:
        net.train(np.ones((3, 30)), np.ones((3, 5)), epochs=1, learning_rate=0.1, optimizer="adam")
    return nets


def child(work):
    """A process that waits for a byte, works, and ends with what that returns."""
    go, gone = os.pipe()
    process = os.fork()
    if process:
        os.close(go)
        return process, gone
    os.close(gone)
    try:
        os.read(go, 1)
        os._exit(work())
    finally:
        os._exit(OTHER)


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
    process, gone = child(work)
    command = ["strace", "-p", str(process), "-e", f"trace={LEFT_OUT}", *inject]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert "attached" in tracer.stderr.readline()
        os.close(gone)  # which the child reads as its end
        _, status = os.waitpid(process, 0)
        calls = [line for line in tracer.stderr if "(" in line]
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
    k, error = rng.integers(1, len(names)), rng.choice(ERRORS)  # the first is the child's waiting
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

    process, gone = child(work)
    os.close(gone)
    time.sleep(rng.uniform(0, 0.02))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    check_file(path, networks())
    return "kills"


def case(i, rng, folder):
    for left in folder.iterdir():  # by a kill
        left.unlink()
    return kill(rng, folder) if rng.random() < KILLED else fault(rng, folder)
