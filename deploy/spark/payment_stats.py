"""Payments to stats on Apache Spark: the job of payagg, for a site that has a Spark cluster.

Reads payments from a Kafka topic, keeps the sum and the number of them per user, and writes each
user that changed as a stats line, keyed by user, to a topic of its own:

    {"user":"edgar","paymentAmt":1.0}   ->   {"user":"edgar","sum":7.00,"count":7}

Sums are DECIMAL(38,9) from the text of the amount to the text of the sum, never binary fractions.
A payment that is not in order is put aside and counted on stderr. README.md says how it is
submitted, and where its reading of JSON differs from payagg's.
"""
import argparse
import os
import sys

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQueryListener

USER_BYTES_MAX = 1024

# The JSON reader is told to take what RFC 8259 takes: no single quotes, no leading zeros, no NaN.
PAYMENT_SCHEMA = "user STRING, paymentAmt STRING, volume STRING"
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

# The cast from text rounds in silence, so nothing may reach it that it would have to round. Up to 15
# digits before and 9 after the point, zeros aside, is what AMOUNT holds; with an exponent, WIDE holds
# what it takes to see whether AMOUNT does.
AMOUNT, WIDE = "decimal(24,9)", "decimal(38,20)"
PLAIN = r"^-?(0|[1-9][0-9]*)([.][0-9]{1,9}0*)?\z"
SCIENTIFIC = r"^-?(0|[1-9][0-9]*)([.][0-9]{1,11})?[eE][+-]?0*[0-9]\z"


def amount_of(text: Column) -> Column:
    """The exact amount, or null: where there are digits to round, or too many of them."""
    wide = text.try_cast(WIDE)
    narrow = wide.try_cast(AMOUNT)
    return F.when(text.rlike(PLAIN), text.try_cast(AMOUNT)).when(text.rlike(SCIENTIFIC) & (wide == narrow), narrow)


def payments_of(records: DataFrame) -> DataFrame:
    """A row per record: its user and amount, both null where the record is not in order."""
    text = F.regexp_replace(F.col("value").cast("string"), NUMBER, QUOTED)
    fields = records.select(F.from_json(text, PAYMENT_SCHEMA, JSON_OPTIONS).alias("f"))
    fields = fields.select("f.user", amount_of(F.col("f.paymentAmt")).alias("amount"), "f.volume")
    in_order = (
        F.col("amount").isNotNull()
        & F.octet_length("user").between(1, USER_BYTES_MAX)
        # A batch of seven is for paygen to unfold.
        & (F.col("volume").isNull() | (F.col("volume") == "1"))
    )
    return fields.select(F.when(in_order, F.col("user")).alias("user"), "amount")


def decimal_text(value: Column) -> Column:
    """At least two decimals and no other trailing zero: 7.00, 0.125."""
    return F.regexp_replace(value.cast("string"), r"([.][0-9]{2}[0-9]*?)0+$", "$1")


def stats_line(user: Column, total: Column, count: Column) -> Column:
    named = F.to_json(F.struct(user.alias("user")))  # {"user":"edgar"}
    return F.concat(
        F.left(named, F.length(named) - 1), F.lit(',"sum":'), decimal_text(total), F.lit(',"count":'), count, F.lit("}")
    )


def stats_of(payments: DataFrame) -> DataFrame:
    totals = (
        payments.where(F.col("user").isNotNull())
        .groupBy("user")
        .agg(F.sum(F.col("amount").cast("decimal(28,9)")).alias("total"), F.count("*").alias("payments"))
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
    payments = payments_of(records).observe(
        "records", F.count(F.lit(1)).alias("all"), F.count_if(F.col("user").isNull()).alias("bad")
    )
    trigger = {"availableNow": True} if options.available_now else {"processingTime": options.trigger}
    query = (
        stats_of(payments)
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
