package androidx.test.runner.lifecycle;

/** Of an application. */
public enum ApplicationStage {
  PRE_ON_CREATE,
  CREATED
}
