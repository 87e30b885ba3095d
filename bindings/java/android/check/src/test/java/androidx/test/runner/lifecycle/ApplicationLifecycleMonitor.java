package androidx.test.runner.lifecycle;

/** Nobody monitors here. */
public interface ApplicationLifecycleMonitor {}
