import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** A transaction that reaches the log and is aborted: Aborted.java BROKERS TOPIC VALUE. */
public final class Aborted {
  public static void main(String[] args) throws Exception {
    Map<String, Object> properties = Map.of("bootstrap.servers", args[0], "transactional.id", "aborted");
    try (var producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(args[1], args[2])).get();
      producer.abortTransaction();
    }
  }
}
