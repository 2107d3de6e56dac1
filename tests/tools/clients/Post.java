// java Post.java PORT NAME COUNT THREADS TIMEOUT_MS: posts payments with keys NAME-0 to
// NAME-(COUNT-1), each until it has a certain answer. HttpURLConnection sends a POST again by itself
// where a connection that it has kept ends before the answer. A line a key: "KEY STATUS TRIES".
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

public class Post {
  static int post(URL url, String key, String body, int timeout) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) url.openConnection();
    connection.setConnectTimeout(timeout);
    connection.setReadTimeout(timeout);
    connection.setRequestMethod("POST");
    connection.setDoOutput(true);
    connection.setRequestProperty("Content-Type", "application/json");
    connection.setRequestProperty("Idempotency-Key", "\"" + key + "\"");
    connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
    int status = connection.getResponseCode();
    try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
      in.readAllBytes();
    }
    return status;
  }

  static void postUntilCertain(URL url, String name, int number, int timeout) {
    String key = name + "-" + number;
    String body = String.format("{\"user\":\"%s\",\"paymentAmt\":1.25,\"volume\":%d}", key, number % 7 + 1);
    for (int tries = 1;; ++tries) {
      try {
        int status = post(url, key, body, timeout);
        if (status == 503 || status == 409) continue;
        synchronized (System.out) {
          System.out.println(key + " " + status + " " + tries);
        }
        return;
      } catch (IOException error) {
        // No certain answer: the same again.
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    System.setProperty("http.maxConnections", arguments[3]);
    URL url = new URL("http://127.0.0.1:" + arguments[0] + "/api/payments");
    int timeout = Integer.parseInt(arguments[4]);
    ExecutorService threads = Executors.newFixedThreadPool(Integer.parseInt(arguments[3]));
    for (int i = 0; i < Integer.parseInt(arguments[2]); ++i) {
      int number = i;
      threads.submit(() -> postUntilCertain(url, arguments[1], number, timeout));
    }
    threads.shutdown();
    threads.awaitTermination(1, TimeUnit.HOURS);
  }
}
