package io.libeim;

import java.lang.ref.PhantomReference;
import java.lang.ref.ReferenceQueue;

/**
 * Gives up what C holds for a Java object once no code can reach that object. {@code java.lang.ref.Cleaner} would do,
 * but Android has it from API 33 only, and it brings a thread.
 */
final class NativeRefs extends PhantomReference<Object> {
  /** What is done with the pointer. Must not know the object. */
  interface Free {
    void free(long pointer);
  }

  private static final ReferenceQueue<Object> QUEUE = new ReferenceQueue<>();
  private static final NativeRefs ALL = new NativeRefs(); // head of a ring: what is in it is alive
  private static final int FIRST_LIMIT = 65_536;
  private static int count;
  private static int limit = FIRST_LIMIT;

  private final long pointer;
  private final Free free;
  private NativeRefs before;
  private NativeRefs behind;

  private NativeRefs() {
    super(new Object(), null);
    pointer = 0;
    free = null;
    before = behind = this;
  }

  private NativeRefs(Object of, long pointer, Free free) {
    super(of, QUEUE);
    this.pointer = pointer;
    this.free = free;
  }

  static void watch(Object of, long pointer, Free free) {
    NativeRefs ref = new NativeRefs(of, pointer, free);
    boolean many;
    synchronized (ALL) {
      ref.before = ALL;
      ref.behind = ALL.behind;
      ALL.behind.before = ref;
      ALL.behind = ref;
      many = ++count > limit;
    }
    drain();
    if (many) {
      collect();
    }
  }

  /** Frees what can be freed. Any thread; called by watch() and by every thread that delivers events. */
  static void drain() {
    for (NativeRefs ref; (ref = (NativeRefs) QUEUE.poll()) != null; ) {
      synchronized (ALL) {
        ref.before.behind = ref.behind;
        ref.behind.before = ref.before;
        count--;
      }
      ref.free.free(ref.pointer);
    }
  }

  /**
   * The garbage collector sees some bytes where C has a kilobyte: with a large heap it would let them grow for long. So
   * it is reminded, as the JDK does for direct buffers; rarely, since the limit grows with what is in use.
   */
  private static void collect() {
    System.gc();
    drain();
    synchronized (ALL) {
      limit = Math.max(FIRST_LIMIT, 2 * count);
    }
  }

  static int count() {
    synchronized (ALL) {
      return count;
    }
  }
}
