package androidx.test.runner.intent;

/** Nobody stubs here. */
public interface IntentStubber {}
