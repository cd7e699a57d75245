import { describe, expect, it } from "vitest";
import { findWay } from "./way.ts";

describe("findWay", () => {
  const proxies = { HTTPS_PROXY: "http://user:secret@proxy:3128", NODE_USE_ENV_PROXY: "1" };
  const through = { kind: "proxy", variable: "HTTPS_PROXY", proxy: "http://proxy:3128" };
  const direct = { kind: "direct" };

  it.each([
    ["https://api.github.com", proxies, through],
    ["http://api.github.com", proxies, direct],
    ["https://api.github.com", { ...proxies, NODE_USE_ENV_PROXY: "" }, { kind: "direct", ignored: "HTTPS_PROXY" }],
    ["https://api.github.com", { ...proxies, NODE_USE_ENV_PROXY: "", NODE_OPTIONS: "--use-env-proxy" }, through],
    ["https://api.github.com", { ...proxies, NO_PROXY: "github.com" }, direct],
    ["https://api.github.com", { ...proxies, NO_PROXY: "a, .GitHub.com:443" }, direct],
    ["https://api.github.com", { ...proxies, NO_PROXY: "github.com:8443, notgithub.com" }, through],
    ["https://api.github.com", { ...proxies, NO_PROXY: "*" }, direct],
    ["https://api.github.com", { ...proxies, NO_PROXY: "*,b" }, through],
    ["https://[::1]:7070", { ...proxies, NO_PROXY: "[::1]" }, direct],
    ["https://[::1]:7070", { ...proxies, NO_PROXY: "::1" }, direct],
    ["https://[::1]:7070", { ...proxies, NO_PROXY: "[::1]:7071" }, through],
    [
      "https://api.github.com",
      { http_proxy: "http://b", NODE_USE_ENV_PROXY: "1" },
      { ...through, variable: "http_proxy", proxy: "http://b" },
    ],
    ["https://api.github.com", { NODE_USE_ENV_PROXY: "1" }, direct],
  ])("decides the way to %s with %j", (address, env: Readonly<Record<string, string>>, way) => {
    expect(findWay(new URL(address), env)).toEqual(way);
  });
});
