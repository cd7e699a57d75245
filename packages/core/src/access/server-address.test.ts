import { describe, expect, it } from "vitest";
import { findProxyWarning, findServerUrlFault } from "./server-address.ts";

describe("findServerUrlFault", () => {
  it.each(["https://yard.example.org", "https://yard.example.org/", "http://127.0.0.1:7070", "https://y.example:8443"])(
    "takes %s",
    (url) => {
      expect(findServerUrlFault(url)).toBeUndefined();
    },
  );

  it.each([
    "https://example.org/stackyard",
    "https://example.org/stackyard/",
    "https://example.org/?yard=1",
    "https://example.org/#/",
  ])("refuses the sub-path %s, and names the host [argo-cd#18045, #20790, #26233]", (url) => {
    expect(findServerUrlFault(url)).toBe(
      `server.url: "${url}" must not have a path. A yard needs its own host name, such as https://example.org.`,
    );
  });

  it.each(["yard.example.org", "ftp://yard.example.org", ""])("refuses %j, which is not an address", (url) => {
    expect(findServerUrlFault(url)).toContain("must be an address");
  });
});

describe("findProxyWarning", () => {
  it("warns about a public address without trusted proxies", () => {
    expect(findProxyWarning({ url: "https://yard.example.org" })).toContain("server.trustedProxies is empty");
    expect(findProxyWarning({ url: "http://10.1.2.3:7070", trustedProxies: [] })).toBeDefined();
  });

  it.each([
    {},
    { url: "http://127.0.0.1:7070" },
    { url: "http://localhost:7070" },
    { url: "http://[::1]:7070" },
    { url: "https://yard.example.org", trustedProxies: ["10.0.0.0/8"] },
  ])("is silent for %j", (address) => {
    expect(findProxyWarning(address)).toBeUndefined();
  });
});
