import { describe, expect, it } from "vitest";
import { toReachableUrl, toServerAddress, toServerUrl } from "./server-address.ts";

describe("toServerAddress", () => {
  it.each([
    [{}, {}, { host: "127.0.0.1", port: 7070 }],
    [{ server: { port: 1 } }, {}, { host: "127.0.0.1", port: 1 }],
    [{ server: { host: "::1", port: 1 } }, { port: 0 }, { host: "::1", port: 0 }],
    [{ server: { host: "::1" } }, { host: "0.0.0.0", port: undefined }, { host: "0.0.0.0", port: 7070 }],
  ])("of %j and %j is %j", (config, given, address) => {
    expect(toServerAddress(config, given)).toEqual(address);
  });
});

describe("toServerUrl", () => {
  it.each([
    ["127.0.0.1", "http://127.0.0.1:7070"],
    ["0.0.0.0", "http://127.0.0.1:7070"],
    ["::", "http://127.0.0.1:7070"],
    ["::1", "http://[::1]:7070"],
    ["yard.example.org", "http://yard.example.org:7070"],
  ])("of %s is %s", (host, url) => {
    expect(toServerUrl({ host, port: 7070 })).toBe(url);
  });
});

describe("toReachableUrl", () => {
  it.each([
    ["http://0.0.0.0:80/", "http://127.0.0.1:80"],
    ["http://[::]/", "http://127.0.0.1"],
    ["http://10.0.0.0:1", "http://10.0.0.0:1"],
  ])("of %s is %s", (url, reachable) => {
    expect(toReachableUrl(url)).toBe(reachable);
  });
});
