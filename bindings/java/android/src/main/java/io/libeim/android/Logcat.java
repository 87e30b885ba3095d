package io.libeim.android;

import android.util.Log;
import io.libeim.LogLine;
import io.libeim.LogListener;

/** The library's log into Android's: {@code EimLog.setListener(LogLevel.INFO, new Logcat())}. */
public final class Logcat implements LogListener {
  private static final String TAG = "libeim"; // up to API 25 a tag has 23 characters at most

  /** A listener. */
  public Logcat() {}

  @Override
  public void onLine(LogLine line) {
    Log.println(priority(line), TAG, text(line));
  }

  private static int priority(LogLine line) {
    switch (line.level()) {
      case TRACE:
        return Log.VERBOSE;
      case DEBUG:
        return Log.DEBUG;
      case INFO:
        return Log.INFO;
      case WARN:
        return Log.WARN;
      default:
        return Log.ERROR;
    }
  }

  private static String text(LogLine line) {
    return line.module() + (line.client() == 0 ? "" : " client " + line.client()) + ": " + line.message();
  }
}
