import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own client. `read BOOTSTRAP TOPIC` prints a line for each record: partition, offset, and key, value and headers in base64, parted by spaces.
 * `write BOOTSTRAP TOPIC KEY VALUE NAME=VALUE...` (all but names in base64) writes one record and prints its partition.
 */
public class OtherClient {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", args[1]);
    if (args[0].equals("read")) read(properties, args[2]);
    else write(properties, args);
  }

  private static void read(Properties properties, String topic) {
    properties.put("enable.auto.commit", "false");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (PartitionInfo info : consumer.partitionsFor(topic)) partitions.add(new TopicPartition(topic, info.partition()));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (partitions.stream().anyMatch(partition -> consumer.position(partition) < ends.get(partition))) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          StringBuilder line = new StringBuilder();
          line.append(record.partition()).append(' ').append(record.offset());
          line.append(' ').append(encode(record.key())).append(' ').append(encode(record.value()));
          for (Header header : record.headers()) line.append(' ').append(header.key()).append('=').append(encode(header.value()));
          System.out.println(line);
        }
      }
    }
  }

  private static void write(Properties properties, String[] args) throws Exception {
    properties.put("acks", "all");
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer())) {
      ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(args[2], decode(args[3]), decode(args[4]));
      for (int at = 5; at < args.length; at++) {
        int split = args[at].indexOf('=');
        record.headers().add(args[at].substring(0, split), decode(args[at].substring(split + 1)));
      }
      System.out.println(producer.send(record).get().partition());
    }
  }

  private static String encode(byte[] bytes) {
    return bytes == null ? "-" : "b" + Base64.getEncoder().encodeToString(bytes);
  }

  private static byte[] decode(String text) {
    return Base64.getDecoder().decode(text.getBytes(StandardCharsets.US_ASCII));
  }
}
