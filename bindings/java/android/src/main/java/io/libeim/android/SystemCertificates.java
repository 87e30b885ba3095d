package io.libeim.android;

import android.content.Context;
import android.util.Base64;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.Collections;

/**
 * The CAs that this device trusts, as a PEM file for {@code caFile}.
 *
 * <p>Without it the library reads the CAs that came with the system, which is right for most. This respects what was
 * changed in the settings: CAs that were switched off, and, when wanted, those that the user or the organisation added.
 *
 * <pre>{@code
 * Client.builder("org#app").caFile(SystemCertificates.write(context, false).getPath())
 * }</pre>
 */
public final class SystemCertificates {
  private static final Charset ASCII = Charset.forName("US-ASCII");

  private SystemCertificates() {}

  /**
   * Write the file anew, in a folder of the application that is in no backup. Takes tens of milliseconds: not on the main
   * thread. It is replaced as a whole, so clients that read it just now are not disturbed.
   *
   * @param context any context of the application
   * @param userAdded with those that were added in the settings, too; applications for API 24 and newer do without by
   *     default
   * @return the file
   * @throws IOException it cannot be written
   * @throws GeneralSecurityException the store of the device cannot be read, or has none
   */
  public static File write(Context context, boolean userAdded) throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("AndroidCAStore");
    store.load(null, null);
    File folder = new File(context.getNoBackupFilesDir(), "libeim");
    if (!folder.isDirectory() && !folder.mkdirs() && !folder.isDirectory()) {
      throw new IOException("cannot make " + folder);
    }
    File part = File.createTempFile("ca-", ".part", folder);
    try {
      int count = 0;
      FileOutputStream out = new FileOutputStream(part);
      try {
        for (String alias : Collections.list(store.aliases())) {
          if (userAdded || !alias.startsWith("user:")) {
            Certificate certificate = store.getCertificate(alias);
            if (certificate != null) {
              out.write(pem(certificate));
              count++;
            }
          }
        }
        out.getFD().sync();
      } finally {
        out.close();
      }
      if (count == 0) {
        throw new GeneralSecurityException("this device trusts no CA");
      }
      File file = new File(folder, userAdded ? "ca-all.pem" : "ca-system.pem");
      if (!part.renameTo(file)) {
        throw new IOException("cannot write " + file);
      }
      return file;
    } finally {
      part.delete();
    }
  }

  private static byte[] pem(Certificate certificate) throws GeneralSecurityException {
    return ("-----BEGIN CERTIFICATE-----\n"
            + Base64.encodeToString(certificate.getEncoded(), Base64.DEFAULT)
            + "-----END CERTIFICATE-----\n")
        .getBytes(ASCII);
  }
}
