"""Payments to stats on Apache Spark: the job of payagg, for a site that has a Spark cluster.

Reads payments from a Kafka topic, keeps the sum and the number of them per user, and writes each
user that changed as a stats line, keyed by user, to a topic of its own:

    {"user":"edgar","paymentAmt":1.0}   ->   {"user":"edgar","sum":7.00,"count":7}

A batch (with a volume) is as many payments; a group of batches, an array or an object with an array
`payments`, counts as a whole or not at all. Sums are DECIMAL(38,9) from the text of the amount to the
text of the sum, never binary fractions. A record that is not in order is put aside and counted on
stderr. README.md says how the job is submitted, and where its reading of JSON differs from payagg's.
"""
import argparse
import os
import sys

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQueryListener

USER_BYTES_MAX = 1024

# The JSON reader is told to take what RFC 8259 takes: no single quotes, no leading zeros, no NaN.
BATCH = "user STRING, paymentAmt STRING, volume STRING"
GROUP = f"ARRAY<STRUCT<{BATCH}>>"
REQUEST = f"{BATCH}, payments {GROUP}"
JSON_OPTIONS = {
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
    "allowNumericLeadingZeros": "false",
    "mode": "PERMISSIVE",
}
# Asked for the text of a number, the reader makes a double of it on the way (999999999999999.99
# becomes 1.0E15), so the number gets its quotes first. This cannot hit the inside of a text: a quote
# in there is escaped, and this name has none before its closing quote.
NUMBER, QUOTED = r'("paymentAmt"\s*:\s*)(-?[0-9][0-9.eE+-]*)', '$1"$2"'

# A volume that is null would be one that is missing.
NULL_VOLUME, BAD_VOLUME = r'("volume"\s*:\s*)null', '$1"null"'

# The cast from text rounds in silence, so nothing may reach it that it would have to round. Up to 15
# digits before and 9 after the point, zeros aside, is what AMOUNT holds; with an exponent, WIDE holds
# what it takes to see whether AMOUNT does.
AMOUNT, WIDE = "decimal(24,9)", "decimal(38,20)"
PLAIN = r"^-?(0|[1-9][0-9]*)([.][0-9]{1,9}0*)?\z"
SCIENTIFIC = r"^-?(0|[1-9][0-9]*)([.][0-9]{1,11})?[eE][+-]?0*[0-9]\z"
# So many digits that amount times volume is a DECIMAL(38,9), exactly.
VOLUME = r"^[1-9][0-9]{0,12}\z"


def amount_of(text: Column) -> Column:
    """The exact amount, or null: where there are digits to round, or too many of them."""
    wide = text.try_cast(WIDE)
    narrow = wide.try_cast(AMOUNT)
    return F.when(text.rlike(PLAIN), text.try_cast(AMOUNT)).when(text.rlike(SCIENTIFIC) & (wide == narrow), narrow)


def batch_of(fields: Column) -> Column:
    """A batch: user, amount and volume, or null where it is not in order."""
    user, amount = fields["user"], amount_of(fields["paymentAmt"])
    volume = F.coalesce(fields["volume"], F.lit("1"))
    volume = F.when(volume.rlike(VOLUME), volume.try_cast("decimal(13,0)"))
    in_order = F.octet_length(user).between(1, USER_BYTES_MAX) & amount.isNotNull() & volume.isNotNull()
    return F.when(in_order, F.struct(user.alias("user"), amount.alias("amount"), volume.alias("volume")))


def requests_of(records: DataFrame) -> DataFrame:
    """A row per record: the batches of it, null where it is not in order as a whole."""
    text = F.regexp_replace(F.col("value").cast("string"), NUMBER, QUOTED)
    text = F.regexp_replace(text, NULL_VOLUME, BAD_VOLUME)
    parsed = records.select(
        text.alias("text"),
        F.from_json(text, REQUEST, JSON_OPTIONS).alias("one"),
        F.from_json(text, GROUP, JSON_OPTIONS).alias("array"),
        F.json_object_keys(text).alias("names"),
    )
    alone = F.struct("one.user", "one.paymentAmt", "one.volume")
    is_group = ~F.arrays_overlap("names", F.array(F.lit("user"), F.lit("paymentAmt")))
    given = (
        F.when(F.col("text").rlike(r"^\s*\["), F.col("array"))
        .when(is_group, F.col("one.payments"))
        .otherwise(F.array(alone))
    )
    batches = F.transform(given, batch_of)
    in_order = (F.size(batches) > 0) & F.forall(batches, lambda batch: batch.isNotNull())
    return parsed.select(F.when(in_order, batches).alias("batches"))


def decimal_text(value: Column) -> Column:
    """At least two decimals and no other trailing zero: 7.00, 0.125."""
    return F.regexp_replace(value.cast("string"), r"([.][0-9]{2}[0-9]*?)0+$", "$1")


def stats_line(user: Column, total: Column, count: Column) -> Column:
    named = F.to_json(F.struct(user.alias("user")))  # {"user":"edgar"}
    return F.concat(
        F.left(named, F.length(named) - 1), F.lit(',"sum":'), decimal_text(total), F.lit(',"count":'), count, F.lit("}")
    )


def stats_of(requests: DataFrame) -> DataFrame:
    payments = F.col("batch.amount") * F.col("batch.volume")
    totals = (
        requests.select(F.explode("batches").alias("batch"))
        .groupBy(F.col("batch.user").alias("user"))
        .agg(F.sum(payments).alias("total"), F.sum(F.col("batch.volume").cast("bigint")).alias("payments"))
    )
    assert dict(totals.dtypes)["total"] == "decimal(38,9)"
    return totals.select(
        F.col("user").alias("key"), stats_line(F.col("user"), F.col("total"), F.col("payments")).alias("value")
    )


class PutAside(StreamingQueryListener):
    """Says on stderr how many records of a batch were not in order."""

    def onQueryStarted(self, event):
        pass

    def onQueryProgress(self, event):
        records = event.progress.observedMetrics.get("records")
        if records and records.bad:
            print(f"payment_stats: warning: {records.bad} of {records.all} records put aside", file=sys.stderr, flush=True)

    def onQueryIdle(self, event):
        pass

    def onQueryTerminated(self, event):
        pass


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="payment_stats.py", description="sum and count payments per user, on Spark")
    parser.add_argument("-b", "--brokers", default=os.environ.get("KAFKA_BROKERS"), help="(or KAFKA_BROKERS)")
    parser.add_argument("-X", metavar="KEY=VALUE", action="append", default=[], dest="properties",
                        help="a property of Kafka's own clients")
    parser.add_argument("--input", default="payments", metavar="TOPIC", help="(payments)")
    parser.add_argument("--output", default="spark-payment-stats", metavar="TOPIC", help="(spark-payment-stats)")
    parser.add_argument("--checkpoint", required=True, metavar="DIR", help="the job's state: keep it, one for each pair of topics")
    parser.add_argument("--trigger", default="0 seconds", metavar="T", help='as Spark says it: "100 milliseconds" (at once)')
    parser.add_argument("--available-now", action="store_true", help="what is there now, then stop")
    options = parser.parse_args()
    if not options.brokers:
        parser.error("no brokers: give -b or KAFKA_BROKERS")
    if any("=" not in p for p in options.properties):
        parser.error("-X takes KEY=VALUE")
    if options.input == options.output:
        parser.error("--input and --output are the same topic")
    return options


def main() -> int:
    options = arguments()
    kafka = {"kafka." + key: value for key, value in (p.split("=", 1) for p in options.properties)}
    kafka["kafka.bootstrap.servers"] = options.brokers

    # In ANSI mode an overflow is an error and a decimal is cast to plain digits.
    spark = SparkSession.builder.appName("payment_stats").config("spark.sql.ansi.enabled", "true").getOrCreate()
    spark.streams.addListener(PutAside())

    records = (
        spark.readStream.format("kafka")
        .options(**kafka)
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", options.input)
        .option("startingOffsets", "earliest")
        .option("failOnDataLoss", "true")
        .load()
    )
    requests = requests_of(records).observe(
        "records", F.count(F.lit(1)).alias("all"), F.count_if(F.col("batches").isNull()).alias("bad")
    )
    trigger = {"availableNow": True} if options.available_now else {"processingTime": options.trigger}
    query = (
        stats_of(requests)
        .writeStream.format("kafka")
        .options(**kafka)
        .option("topic", options.output)
        .option("checkpointLocation", options.checkpoint)
        .outputMode("update")
        .trigger(**trigger)
        .queryName("payment_stats")
        .start()
    )
    query.awaitTermination()
    spark.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
