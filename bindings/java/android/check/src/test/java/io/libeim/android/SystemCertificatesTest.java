package io.libeim.android;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.content.Context;
import io.libeim.Client;
import io.libeim.State;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyStoreSpi;
import java.security.Provider;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collections;
import java.util.Date;
import java.util.Enumeration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;

/** The store of the device stands in here; what is made of it a session over TLS must accept. */
@RunWith(RobolectricTestRunner.class)
public class SystemCertificatesTest {
  private static final Map<String, Certificate> DEVICE = new TreeMap<>();
  private final Context context = RuntimeEnvironment.getApplication();

  /** As Android has it: read-only, aliases say where a CA is from. */
  public static final class DeviceStore extends KeyStoreSpi {
    @Override
    public Certificate engineGetCertificate(String alias) {
      return DEVICE.get(alias);
    }

    @Override
    public Enumeration<String> engineAliases() {
      return Collections.enumeration(DEVICE.keySet());
    }

    @Override
    public void engineLoad(InputStream stream, char[] password) {}

    @Override
    public int engineSize() {
      return DEVICE.size();
    }

    @Override
    public boolean engineContainsAlias(String alias) {
      return DEVICE.containsKey(alias);
    }

    @Override
    public boolean engineIsCertificateEntry(String alias) {
      return engineContainsAlias(alias);
    }

    @Override
    public boolean engineIsKeyEntry(String alias) {
      return false;
    }

    @Override
    public Key engineGetKey(String alias, char[] password) {
      return null;
    }

    @Override
    public Certificate[] engineGetCertificateChain(String alias) {
      return null;
    }

    @Override
    public Date engineGetCreationDate(String alias) {
      return null;
    }

    @Override
    public String engineGetCertificateAlias(Certificate certificate) {
      return null;
    }

    @Override
    public void engineSetKeyEntry(String alias, Key key, char[] password, Certificate[] chain) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void engineSetKeyEntry(String alias, byte[] key, Certificate[] chain) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void engineSetCertificateEntry(String alias, Certificate certificate) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void engineDeleteEntry(String alias) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void engineStore(OutputStream stream, char[] password) {
      throw new UnsupportedOperationException();
    }
  }

  private static final class Device extends Provider {
    private static final long serialVersionUID = 1;

    Device() {
      super("Device", "1", "for the test");
      put("KeyStore.AndroidCAStore", DeviceStore.class.getName());
      putService(new Service(this, "KeyStore", "AndroidCAStore", DeviceStore.class.getName(), null, null) {
        @Override
        public Object newInstance(Object parameter) {
          return new DeviceStore();
        }
      });
    }
  }

  @Before
  public void device() {
    DEVICE.clear();
    Security.insertProviderAt(new Device(), 1);
  }

  @After
  public void noDevice() {
    Security.removeProvider("Device");
  }

  private static Certificate read(byte[] pem) throws GeneralSecurityException {
    return CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem));
  }

  private static void logIn(TestSandbox sandbox, File ca) throws Exception {
    try (Client client = sandbox.client().caFile(ca.getPath()).build()) {
      TestSandbox.Outcome<Void> open = new TestSandbox.Outcome<>();
      client.open("alice", "secret", open);
      open.get();
      assertEquals(State.ONLINE, client.state());
    }
  }

  @Test
  public void whatTheDeviceTrustsIsTrusted() throws Exception {
    try (TestSandbox sandbox = new TestSandbox("--tls", "--user", "alice:secret");
        TestSandbox other = new TestSandbox("--tls", "--user", "alice:secret")) {
      Certificate ours = read(Files.readAllBytes(Paths.get(sandbox.fact("caFile"))));
      Certificate added = read(Files.readAllBytes(Paths.get(other.fact("caFile"))));
      DEVICE.put("system:1", ours);
      DEVICE.put("user:1", added);

      File file = SystemCertificates.write(context, false);
      assertTrue(file.getPath().startsWith(context.getNoBackupFilesDir().getPath()));
      assertArrayEquals(ours.getEncoded(), read(Files.readAllBytes(file.toPath())).getEncoded());
      logIn(sandbox, file);
      assertThrows(io.libeim.EimException.class, () -> logIn(other, file));

      File all = SystemCertificates.write(context, true);
      logIn(sandbox, all);
      logIn(other, all);

      // Switched off in the settings; the same file.
      DEVICE.remove("system:1");
      DEVICE.put("system:2", added);
      assertEquals(file, SystemCertificates.write(context, false));
      assertThrows(io.libeim.EimException.class, () -> logIn(sandbox, file));
      logIn(other, file);
      assertEquals(2, file.getParentFile().list().length); // and no halves
      String text = new String(Files.readAllBytes(file.toPath()), StandardCharsets.US_ASCII);
      assertTrue(text, text.matches("(?s)-----BEGIN CERTIFICATE-----\n[\\w+/=\n]+-----END CERTIFICATE-----\n"));
    }
  }

  @Test
  public void aDeviceWithoutAnySaysSo() {
    assertThrows(GeneralSecurityException.class, () -> SystemCertificates.write(context, false));
  }
}
