package androidx.test.runner.intent;

/** Nobody monitors here. */
public interface IntentMonitor {}
