"""The overlay `files` of deploy/k8s, as processes (pods.py): its page takes payments, shows their totals, and
keeps them when each of its containers is killed.

  PYTHON tests/deploy/pods_on_files.py BIN      with the Python of scripts/setup-kube
"""
import json
import os
import shutil
import signal
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "deploy"))
sys.dont_write_bytecode = True
from manifest_cases import check  # noqa: E402
from pods import Memory, Pod, wait_for  # noqa: E402


def hold(what, got, want):
    if got != want:
        raise AssertionError(f"{what}: {got}, not {want}")
    print(f"ok {what}")


def total_is(pod, amount):
    status, text = pod.get("/api/stats/edgar")
    return status == 200 and json.loads(text)["stats"][0]["sum"] == amount


def main():
    things = check.things_of(check.build(check.tools(), "files"))
    template = check.pod_of(next(each for each in things if each["kind"] == "Deployment"))
    folder = tempfile.mkdtemp(prefix="paystats-pods-")
    pod = Pod("page-0", template, os.path.abspath(sys.argv[1]), os.path.join(folder, "claims"))
    cache, serve = pod.containers["cache"], pod.containers["serve"]
    print("the limits of memory are the kernel's" if Memory.possible else
          "NOT TESTED: the limits of memory, which nobody may set here")
    try:
        pod.start()
        wait_for("the pod is ready", pod.ready)
        print("ok all probes of a new, empty volume")
        paid = 0
        for host in ("page", "page.paystats", "page.paystats.svc", "page.paystats.svc.cluster.local",
                     f"localhost:{pod.port}"):
            hold(f"a POST to {host}", pod.post('{"user":"edgar","paymentAmt":2.50}', Host=host)[0], 200)
            paid += 1
        hold("a POST to another name", pod.post('{"user":"edgar","paymentAmt":1}', Host="example.org")[0], 421)
        wait_for("the total", lambda: total_is(pod, "12.50"))
        for container in (cache, serve):
            hold(f"kill -9 of {container.name}", container.end(signal.SIGKILL), -signal.SIGKILL)
            container.start()
            wait_for("the pod is ready again", pod.ready)
            hold("a POST after it", pod.post('{"user":"edgar","paymentAmt":2.50}')[0], 200)
            paid += 1
            wait_for("the total of all that was paid", lambda: total_is(pod, f"{paid * 2.5:.2f}"))
        log = os.path.join(folder, "claims", "payments", "payments.jsonl")
        os.truncate(log, os.path.getsize(log) // 2)
        hold("the log is cut: the status of the cache", cache.process.wait(60), 3)
        for start in ("the first", "the second", "the third"):
            last = cache.last_words()
            hold(f"the last words of {start} say so",
                 ("shrank from" in last, "payagg ended with status 3" in last), (True, True))
            hold("the probe fails", cache.probe("livenessProbe"), False)
            cache.start()
            hold("it is started again: the status", cache.process.wait(60), 3)
        hold("TERM to serve", serve.end(signal.SIGTERM), 0)
    except AssertionError as error:
        print(f"FAILED {error}")
        for each in pod.containers.values():
            print(f"-- {each.name} said:\n{each.words()}")
        return 1
    finally:
        pod.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
