package io.libeim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.libeim.junit.SandboxExtension;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Files and REST, over TLS with a CA of the sandbox's own. */
@Timeout(60)
class FilesTest {
  @RegisterExtension
  static final SandboxExtension EIM = new SandboxExtension("--tls", "--user", "alice:secret", "--user", "bob:secret");

  @TempDir Path folder;
  private Client client;
  private Client bob;
  private final BlockingQueue<Message> heard = new LinkedBlockingQueue<>();
  private final BlockingQueue<Progress> progress = new LinkedBlockingQueue<>();

  @BeforeEach
  void login() {
    client = EIM.sandbox().client().build();
    bob = EIM.sandbox().client().build();
    bob.addEventHandler(
        "test",
        new EventHandler() {
          @Override
          public void onMessage(Message message) {
            heard.add(message);
          }
        });
    bob.open("bob", "secret").await();
    client.addEventHandler(
        "test",
        new EventHandler() {
          @Override
          public void onProgress(Progress now) {
            progress.add(now);
          }
        });
    client.open("alice", "secret").await();
  }

  @AfterEach
  void logout() {
    client.close();
    bob.close();
  }

  private Message hear() throws InterruptedException {
    Message message = heard.poll(10, TimeUnit.SECONDS);
    assertNotNull(message, "nothing came");
    return message;
  }

  private Path file(int bytes) throws Exception {
    byte[] content = new byte[bytes];
    new Random(1).nextBytes(content);
    return Files.write(folder.resolve("ünï.bin"), content);
  }

  @Test
  void upAndDown() throws Exception {
    Path file = file(3_000_000);
    Request<Uploaded> upload = client.upload(file.toString(), null);
    Uploaded up = upload.await();
    assertEquals("ünï.bin", up.filename());
    assertEquals(3_000_000, up.fileLength());
    Progress last = null;
    for (Progress now; (now = progress.poll()) != null; last = now) {
      assertEquals(upload.token(), now.token());
    }
    assertEquals(last.total(), last.done());
    Path copy = folder.resolve("copy");
    assertEquals(3_000_000L, client.download(up.url(), up.secret(), copy.toString(), 0, false).await());
    assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(copy));
    assertArrayEquals(Files.readAllBytes(file), client.downloadBytes(up.url(), up.secret(), 0, false).await());
    EimException error =
        assertThrows(EimException.class, () -> client.downloadBytes(up.url(), up.secret(), 1000, false).await());
    assertEquals(ErrorCode.FILE_TOO_LARGE, error.code());
    assertTrue(!up.toString().contains(up.secret()));
  }

  @Test
  void aMessageWithAFile() throws Exception {
    Path file = file(1000);
    client.send(Message.image("bob").path(file.toString()).size(3, 4).build()).await();
    Map<String, Object> body = hear().body();
    assertEquals(1000L, body.get("file_length"));
    byte[] bytes = client.downloadBytes((String) body.get("url"), (String) body.get("secret"), 0, false).await();
    assertArrayEquals(Files.readAllBytes(file), bytes);
  }

  @Test
  void messagesInOne() throws Exception {
    Message first = Message.text("bob", "one 😀").ext("n", 1).build();
    Message second = Message.location("bob", 1.5, 2.5).build();
    client.send(Message.combine("bob").messages(Arrays.asList(first, second)).title("t").build()).await();
    Message combined = hear();
    assertEquals(MessageKind.COMBINE, combined.kind());
    List<Message> inside = client.downloadCombined(combined).await();
    assertEquals(2, inside.size());
    assertEquals("one 😀", inside.get(0).text());
    assertEquals(1L, inside.get(0).ext().get("n"));
    assertEquals(MessageKind.LOCATION, inside.get(1).kind());
    assertEquals("alice", inside.get(1).from());
  }

  @Test
  void restCalls() {
    Response answer = client.request("GET", "/users/alice", null, null).await();
    assertEquals(200, answer.status());
    assertTrue(answer.map().containsKey("entities"), answer::toString);
    EimException error =
        assertThrows(EimException.class, () -> client.request("GET", "/users/nobody-at-all", null, null).await());
    assertEquals(404L, error.detail().get("httpStatus"));
    assertThrows(IllegalArgumentException.class, () -> client.request("POST", "/x", null, new Object()));
  }

  @Test
  void aWrongCaIsRefused() throws Exception {
    try (Sandbox other = Sandbox.start("--tls");
        Client stranger =
            Client.builder(EIM.sandbox().appKey()).apiUrl(EIM.sandbox().apiUrl()).url(EIM.sandbox().url()).caFile(other.caFile()).build()) {
      EimException error = assertThrows(EimException.class, () -> stranger.open("alice", "secret").await());
      assertEquals(ErrorCode.E_TLS, error.code());
      assertTrue(error.isFinal());
    }
  }
}
