package androidx.test.runner.intent;

/** Without a stubber. */
public final class IntentStubberRegistry {
  private IntentStubberRegistry() {}

  public static boolean isLoaded() {
    return false;
  }
}
