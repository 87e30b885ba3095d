package androidx.test.platform.app;

import android.app.Instrumentation;
import android.os.Bundle;

/**
 * In place of androidx.test:monitor, which is not on Maven Central: as much of it as Robolectric itself calls. So it is with
 * all of androidx.test here.
 */
public final class InstrumentationRegistry {
  private static Instrumentation registered;

  private InstrumentationRegistry() {}

  public static void registerInstance(Instrumentation instrumentation, Bundle arguments) {
    registered = instrumentation;
  }

  public static Instrumentation getInstrumentation() {
    return registered;
  }
}
