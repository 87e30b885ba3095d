-- In the root of the sources: luarocks make bindings/lua/libeim-0.1.0-1.rockspec
rockspec_format = "3.0"
package = "libeim"
version = "0.1.0-1"
source = { url = "git+file://." } -- `luarocks make` builds the sources around it and fetches nothing
description = {
  summary = "Client for the Easemob IM / Agora Chat service",
  detailed = "Logs a user in, keeps the session alive, sends and receives messages. Poll only: no thread ever "
    .. "enters a Lua state. Needs libwebsockets, libcurl, libuv, cJSON, OpenSSL, protobuf-c, lz4 and SWIG.",
  license = "Apache-2.0",
}
dependencies = { "lua >= 5.1, < 5.5" }
build = {
  type = "cmake",
  variables = {
    CMAKE_BUILD_TYPE = "Release",
    EIM_BUILD_LUA = "ON",
    EIM_BUILD_SANDBOX = "OFF",
    EIM_BUILD_CLI = "OFF",
    EIM_BUILD_TESTS = "OFF",
    EIM_LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
  },
  install_pass = false, -- the C library stays out of the tree: it is inside eim/core.so
  install = {
    lua = {
      ["eim"] = "bindings/lua/eim.lua",
      ["eim.calls"] = "bindings/lua/eim/calls.lua",
      ["eim.client"] = "bindings/lua/eim/client.lua",
      ["eim.context"] = "bindings/lua/eim/context.lua",
      ["eim.errors"] = "bindings/lua/eim/errors.lua",
      ["eim.json"] = "bindings/lua/eim/json.lua",
      ["eim.outgoing"] = "bindings/lua/eim/outgoing.lua",
      ["eim.types"] = "bindings/lua/eim/types.lua",
      ["eim.views"] = "bindings/lua/eim/views.lua",
    },
    lib = { ["eim.core"] = "build.luarocks/bindings/lua/only/eim/core.so" },
  },
}
