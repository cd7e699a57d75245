import { describe, expect, it } from "vitest";
import { findWay, toWayHint } from "./way.ts";

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
    // Reported: argoproj/argo-cd#22854
    [
      "https://api.github.com",
      { ALL_PROXY: "http://proxy:3128", NODE_USE_ENV_PROXY: "1" },
      { ...direct, ignored: "ALL_PROXY" },
    ],
    ["https://api.github.com", { ALL_PROXY: "socks5://proxy:1080", NO_PROXY: "github.com" }, direct],
  ])("decides the way to %s with %j", (address, env: Readonly<Record<string, string>>, way) => {
    expect(findWay(new URL(address), env)).toEqual(way);
  });
});

describe("toWayHint", () => {
  // Reported: argoproj/argo-cd#22854
  it.each([
    ["ALL_PROXY", "set HTTPS_PROXY and NODE_USE_ENV_PROXY=1"],
    ["HTTPS_PROXY", "does not use it: set NODE_USE_ENV_PROXY=1"],
  ])("says what to do where only Node ignores %s", (variable, advice) => {
    const way = findWay(new URL("https://api.github.com"), { [variable]: "http://proxy:3128" });

    expect(toWayHint(way, new Error("connect ETIMEDOUT"))).toMatch(`${variable} names a proxy`);
    expect(toWayHint(way, new Error("connect ETIMEDOUT"))).toContain(advice);
  });
});
