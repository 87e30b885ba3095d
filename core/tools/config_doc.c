/* config_doc.c - prints docs/configuration.md from the table of options. */
#include <eim/config.h>
#include <stdio.h>

int main(void) {
  printf(
      "# Configuration\n\n"
      "Made from the option table in `core/src/model/options.c` by `config_doc`; a test fails when "
      "it is stale. Set options\nby `eim_config_set(config, name, value)`: values are text, "
      "booleans `true`/`false`/`1`/`0`, times whole milliseconds,\nlists comma-separated. NULL "
      "restores the default. `eim_config_check()` checks the options against each other.\n\n"
      "| Option | Type | Default | Allowed | What it does, and why the default |\n"
      "| :-- | :-- | :-- | :-- | :-- |\n");
  for (int i = 0; i < eim_option_count(); i++) {
    const char *fallback = eim_option_default(i), *unit = eim_option_unit(i);
    const char *tick = fallback ? "`" : "";
    printf("| `%s` | %s | %s%s%s%s%s | %s%s%s | %s |\n", eim_option_name(i), eim_option_type(i),
           tick, fallback ? fallback : "unset", tick, fallback && *unit ? " " : "",
           fallback ? unit : "", eim_option_range(i), *unit ? " " : "", unit, eim_option_doc(i));
  }
  return 0;
}
