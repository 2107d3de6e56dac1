import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * The job of payagg as a Kafka Streams application: payments keyed by user in, stats lines keyed by
 * user out, exactly_once_v2, sums as BigDecimal, the state in RocksDB and a changelog topic.
 *
 * PaymentTotals BROKERS PAYMENTS STATS GROUP STATE_DIR THREADS [KEY=VALUE...]
 *
 * It trusts the key to be the user, so that nothing is repartitioned.
 */
public final class PaymentTotals {
  private static final JsonFactory JSON = new JsonFactory();

  record Total(BigDecimal sum, long count) {
    static final Total NONE = new Total(BigDecimal.ZERO, 0);

    Total plus(BigDecimal amount) {
      return new Total(sum.add(amount), count + 1);
    }

    byte[] toBytes() {
      return (count + " " + sum).getBytes(StandardCharsets.US_ASCII);
    }

    static Total of(byte[] bytes) {
      if (bytes == null) return null;
      String text = new String(bytes, StandardCharsets.US_ASCII);
      int space = text.indexOf(' ');
      return new Total(new BigDecimal(text.substring(space + 1)), Long.parseLong(text, 0, space, 10));
    }
  }

  static BigDecimal amountOf(byte[] payment) {
    try (JsonParser parser = JSON.createParser(payment)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) throw new IllegalArgumentException("not an object");
      BigDecimal amount = null;
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        boolean wanted = parser.currentName().equals("paymentAmt");
        JsonToken token = parser.nextToken();
        if (!wanted) parser.skipChildren();
        else amount = token == JsonToken.VALUE_STRING ? new BigDecimal(parser.getText()) : parser.getDecimalValue();
      }
      if (amount == null) throw new IllegalArgumentException("no paymentAmt");
      return amount;
    } catch (IOException error) {
      throw new IllegalArgumentException(error);
    }
  }

  static String statsOf(String user, Total total) {
    BigDecimal sum = total.sum().stripTrailingZeros();
    if (sum.scale() < 2) sum = sum.setScale(2, RoundingMode.UNNECESSARY);
    StringBuilder line = new StringBuilder("{\"user\":\"");
    for (int i = 0; i < user.length(); i++) {
      char c = user.charAt(i);
      if (c == '"' || c == '\\') line.append('\\').append(c);
      else if (c < ' ') line.append(String.format("\\u%04x", (int) c));
      else line.append(c);
    }
    return line.append("\",\"sum\":").append(sum.toPlainString()).append(",\"count\":").append(total.count())
        .append('}').toString();
  }

  public static void main(String[] args) throws InterruptedException {
    Properties properties = new Properties();
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, args[3]);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, args[4]);
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, args[5]);
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    properties.put("auto.offset.reset", "earliest");
    for (int i = 6; i < args.length; i++) {
      String[] pair = args[i].split("=", 2);
      properties.put(pair[0], pair[1]);
    }

    Serde<Total> totals = Serdes.serdeFrom((topic, total) -> total == null ? null : total.toBytes(), (topic, bytes) -> Total.of(bytes));
    StreamsBuilder builder = new StreamsBuilder();
    builder.stream(args[1], Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        .aggregate(() -> Total.NONE, (user, payment, total) -> total.plus(amountOf(payment)),
            Materialized.<String, Total, KeyValueStore<Bytes, byte[]>>as("totals").withKeySerde(Serdes.String()).withValueSerde(totals))
        .toStream()
        .mapValues(PaymentTotals::statsOf)
        .to(args[2], Produced.with(Serdes.String(), Serdes.String()));

    KafkaStreams streams = new KafkaStreams(builder.build(), properties);
    CountDownLatch done = new CountDownLatch(1);
    int[] status = {0};
    streams.setUncaughtExceptionHandler(error -> {
      System.err.println("PaymentTotals: error: " + error);
      status[0] = 2;
      done.countDown();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      streams.close();
      done.countDown();
    }));
    streams.start();
    done.await();
    if (status[0] != 0) Runtime.getRuntime().halt(status[0]);
  }
}
