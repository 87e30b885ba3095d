#include <eim/eim.h>
#include <stdio.h>
#include <stdlib.h>

static void on_connected(void *client, const eim_state_change *change) {
  (void)client;
  printf("online as %s\n", eim_state_change_user(change));
}
static void on_message(void *client, const eim_message *message) {
  eim_message *echo;
  const char *text = eim_message_text(message), *from = eim_message_from(message);
  if (!text || eim_message_new_text(EIM_CHAT_SINGLE, from, text, NULL, &echo) < 0) return;
  eim_client_send(client, echo, 0);
  eim_message_unref(echo);
}
static void on_error(void *client, const eim_error *error) { /* no login, or thrown out */
  fprintf(stderr, "echo: %s\n", eim_error_message(error));
  eim_client_shutdown(client);
  exit(1);
}
int main(int argc, char **argv) {
  eim_config *config;
  eim_context *context;
  eim_client *client;
  if (argc != 3) return fprintf(stderr, "usage: EIM_PASSWORD=… echo ORG#APP USER\n"), 2;
  if (eim_config_new(&config) < 0 || eim_config_set(config, "appKey", argv[1]) < 0 ||
      eim_config_set(config, "apiUrl", getenv("EIM_API_URL")) < 0 || /* unset: discovered */
      eim_config_set(config, "url", getenv("EIM_URL")) < 0 ||
      eim_config_set(config, "caFile", getenv("EIM_CA_FILE")) < 0 ||
      eim_context_new(NULL, &context) < 0 || eim_client_new(context, config, &client) < 0)
    return fprintf(stderr, "echo: %s\n", eim_error_message(eim_last_error())), 2;
  eim_handlers handlers = EIM_HANDLERS_INIT;
  handlers.user_data = client;
  handlers.on_connected = on_connected;
  handlers.on_message = on_message;
  handlers.on_error = on_error;
  eim_client_add_event_handler(client, "echo", &handlers);
  if (eim_client_open_password(client, argv[2], getenv("EIM_PASSWORD"), 0) < 0)
    return fprintf(stderr, "echo: %s\n", eim_error_message(eim_last_error())), 2;
  while (eim_context_poll(context, -1, 0) >= 0) fflush(stdout);
}
