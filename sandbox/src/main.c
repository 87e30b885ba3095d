#include "eim_sandbox.h"

int main(int argc, char **argv) {
  return eim_sandbox_main(argc, argv);
}
