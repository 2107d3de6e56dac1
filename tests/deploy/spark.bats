# The image of the job on Spark, by the commands of deploy/spark/README.md, on a stand-in for the image of Spark.
# bats file_tags=deploy-long

load ../tools/helpers
load podman

setup_file() { podman_up; }
teardown_file() { podman_down; }

@test "the job's image has the job and four jars where the manifest and Spark look for them" {
  command -v mvn >/dev/null || skip "mvn is not installed"
  mkdir -p base/opt/spark/jars
  touch base/opt/spark/jars/spark-core.jar
  printf 'FROM scratch\nCOPY base /\n' >Containerfile
  podman build --quiet --isolation chroot --tag localhost/spark-standin:1 --file Containerfile . >/dev/null
  # The block of commands, but for the image of Spark.
  sed -n '/^## The image/,/^## /s/^    //p' "$PROJECT/deploy/spark/README.md" >commands
  [ "$(wc -l <commands)" -eq 3 ]
  cp -r "$PROJECT/deploy" .
  sed 's,^podman build,& --quiet --isolation chroot --build-arg SPARK_IMAGE=localhost/spark-standin:1,' commands >changed
  source ./changed
  podman save --quiet --format docker-archive --output image.tar localhost/paystats-spark:0.2.0
  mkdir image
  for layer in $(tar -xOf image.tar manifest.json | jq -r '.[0].Layers[]'); do tar -xOf image.tar "$layer" | tar -C image -x; done
  run find image/opt -type f -printf '%P\n'
  [ "$(sort <<<"$output" | sed 's/-[0-9.]*[.]jar$/.jar/')" = "paystats/payment_stats.py
spark/jars/commons-pool2.jar
spark/jars/kafka-clients.jar
spark/jars/spark-core.jar
spark/jars/spark-sql-kafka-0-10_2.13.jar
spark/jars/spark-token-provider-kafka-0-10_2.13.jar" ]
  cmp image/opt/paystats/payment_stats.py "$PROJECT/deploy/spark/payment_stats.py"
  grep -qx '  mainApplicationFile: local:///opt/paystats/payment_stats.py' "$PROJECT/deploy/k8s/overlays/spark/job.yaml"
  [ "$(tar -xOf image.tar "$(tar -xOf image.tar manifest.json | jq -r '.[0].Config')" | jq -r .config.User)" = 185:185 ]
}
