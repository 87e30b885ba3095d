package io.libeim.junit;

import io.libeim.Client;
import io.libeim.Sandbox;
import java.io.IOException;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A sandbox for the tests of a class, started when the first test asks for it. JUnit 5:
 *
 * <pre>{@code
 * @ExtendWith(SandboxExtension.class)
 * class BotTest {
 *   @Test
 *   void answers(Sandbox sandbox) {
 *     sandbox.addUser("bot", "secret");
 *     try (Client client = sandbox.client().build()) { … }
 *   }
 * }
 * }</pre>
 *
 * <p>With arguments: {@code @RegisterExtension static final SandboxExtension EIM = new SandboxExtension("--tls");}. Tests
 * can have a {@link Sandbox}, or a {@link Client.Builder} that is set to it.
 */
public final class SandboxExtension implements ParameterResolver, AfterAllCallback {
  private final String[] arguments;
  private Sandbox sandbox;

  /** With the defaults. */
  public SandboxExtension() {
    this(new String[0]);
  }

  /**
   * With arguments.
   *
   * @param arguments of the program (docs/sandbox.md)
   */
  public SandboxExtension(String... arguments) {
    this.arguments = arguments.clone();
  }

  /**
   * The sandbox, started if it was not yet.
   *
   * @return it; the extension closes it
   */
  public synchronized Sandbox sandbox() {
    if (sandbox == null) {
      try {
        sandbox = Sandbox.start(arguments);
      } catch (IOException error) {
        throw new IllegalStateException("the sandbox did not start", error);
      }
    }
    return sandbox;
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == Sandbox.class || type == Client.Builder.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == Sandbox.class ? sandbox() : sandbox().client();
  }

  @Override
  public synchronized void afterAll(ExtensionContext context) {
    if (sandbox != null) {
      sandbox.close();
      sandbox = null;
    }
  }
}
