"""The job as deploy/k8s/overlays/spark starts it, on a real broker that has the topics of the manifests, and the job's
user by its certificate with its rights alone: the arguments and settings of the manifest, on Spark without Kubernetes.

  PYTHON tests/spark/on_manifest.py BIN SPARK      with the Python of scripts/setup-kube; SPARK: of scripts/setup-spark

Spark runs as one process, driver and executor, where the manifest has two pods; the limit of memory is that of one.
"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "deploy"))
sys.dont_write_bytecode = True
from manifest_cases import check  # noqa: E402
from pods import Memory  # noqa: E402
from pods_on_kafka import Authority, Broker, Overlay, run  # noqa: E402

PAYMENTS, USERS = 100_000, 5_000
LIMIT_S = 900


class Failed(Exception):
    """What is not as it should be."""


def spread(folder, secrets):
    """The files of the pod's volumes."""
    for volume in secrets["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            data = secrets["data"][source["secret"]["name"]]
            for item in source["secret"]["items"]:
                with open(os.path.join(folder, item["path"]), "w", encoding="ascii") as file:
                    file.write(data[item["key"]])


def command_line(job, spark, outside):
    """What the operator makes of it, but for what is of Kubernetes; the image's paths are those of this machine."""
    jars = sorted(os.path.join(spark, "jars", name) for name in os.listdir(os.path.join(spark, "jars")))
    settings = {key: value for key, value in job["sparkConf"].items() if not key.startswith("spark.kubernetes.")}
    settings |= {key: "0" for key in ("spark.driver.port", "spark.blockManager.port")}  # whichever are free
    words = [os.path.join(spark, "venv", "bin", "spark-submit"), "--master", f"local[{job['executor']['cores']}]",
             "--driver-memory", job["driver"]["memory"], "--jars", ",".join(jars)]
    for key, value in settings.items():
        words += ["--conf", f"{key}={value}"]
    main = os.path.basename(job["mainApplicationFile"])
    return [*words, os.path.join(ROOT, "deploy", "spark", main), *map(outside, job["arguments"]), "--available-now"]


def submit(command, spark, memory, said):
    with open(said, "w", encoding="utf-8") as log:
        job = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=memory.enter,
                               env={**os.environ, "PYSPARK_PYTHON": os.path.join(spark, "venv", "bin", "python")})
        try:
            status = job.wait(LIMIT_S)
        finally:
            job.kill()
    with open(said, encoding="utf-8") as log:
        words = log.read()
    if status:
        raise Failed(f"the job ended with {status}:\n{words[-4000:]}")
    if "not authorized" in words.lower():
        raise Failed(f"rights are missing:\n{words[-4000:]}")


def totals(tools, words, text=None):
    return run(os.path.join(tools, "payagg"), *words, input=text)


def play(tools, spark, folder):
    authority = Authority(folder)
    overlays = [Overlay("pi"), Overlay("spark")]
    job = overlays[1].all("SparkApplication")[0]
    broker = Broker(folder, authority)
    memory = Memory("spark", "1024Mi")
    try:
        for overlay in overlays:
            for topic in overlay.all("KafkaTopic"):
                broker.make(topic)
        broker.grant(overlays[1].all("KafkaUser")[0])
        with open(broker.tls["ssl.ca.location"], encoding="ascii") as file:
            brokers_ca = file.read()
        pod = dict(check.spark_pods(job))["driver"]["spec"]
        spread(folder, {"volumes": pod["volumes"], "data": {"pay-cluster-ca-cert": {"ca.crt": brokers_ca},
                                                            "spark": authority.user("spark")}})
        paid = run(os.path.join(tools, "paygen"), "-q", "--random", str(PAYMENTS), "--users", str(USERS), "--seed", "3")
        run("kcat", "-P", "-b", broker.address, "-t", "payments", input=paid)

        def outside(text):
            return (text.replace("/etc/paystats", folder).replace("/var/lib/paystats", os.path.join(folder, "state"))
                    .replace("pay-kafka-bootstrap:9093", broker.tls["bootstrap.servers"]))

        submit(command_line(job["spec"], spark, outside), spark, memory, os.path.join(folder, "said"))
        stats = run("kcat", "-C", "-q", "-b", broker.address, "-t", "spark-payment-stats", "-e")
        if totals(tools, ["--merge"], stats) != totals(tools, [], paid):
            raise Failed("the totals differ")
        print(f"test-spark: by the manifest's arguments, with its user's rights alone: {USERS} users, totals equal"
              + (f"; {memory.peak() / (1 << 20):.0f} MB at most" if Memory.possible else ""))
    finally:
        memory.close()
        broker.stop()


def main():
    folder = tempfile.mkdtemp(prefix="paystats-spark-")
    try:
        play(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), folder)
        return 0
    except (Failed, subprocess.SubprocessError) as error:
        print(f"test-spark: FAILED: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
