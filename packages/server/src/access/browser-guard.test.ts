import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findBrowserRefusal, findCookie, toCookieNames, toReturnPath } from "./browser-guard.ts";

const place = { url: new URL("https://yard.example.org") };
const local = { url: new URL("http://127.0.0.1:7070") };

const aRequest = (method: string, headers: Readonly<Record<string, string>>, url = "http://yard.example.org/v1/me") =>
  new Request(url, { method, headers: { host: new URL(url).host, ...headers } });

describe("findBrowserRefusal", () => {
  it.each([
    ["a page of ours", "POST", { "sec-fetch-site": "same-origin" }, undefined],
    ["a bookmark", "GET", { "sec-fetch-site": "none" }, undefined],
    ["a bookmark that changes something", "POST", { "sec-fetch-site": "none" }, 403],
    ["another site", "GET", { "sec-fetch-site": "cross-site" }, 403],
    ["another host of the same site", "GET", { "sec-fetch-site": "same-site" }, 403],
    ["another origin that the header names", "POST", { origin: "https://evil.example" }, 403],
    ["our origin", "POST", { origin: "https://yard.example.org" }, undefined],
    ["our origin without TLS", "POST", { origin: "http://yard.example.org" }, 403],
    [
      "another site that sends our origin too",
      "POST",
      { "sec-fetch-site": "cross-site", origin: "https://yard.example.org" },
      403,
    ],
    ["a request without both headers", "GET", {}, 403],
    ["a name that resolves to us", "GET", { "sec-fetch-site": "same-origin", host: "rebound.example" }, 421],
    [
      "a name that begins with ours",
      "GET",
      { "sec-fetch-site": "same-origin", host: "yard.example.org.evil.example" },
      421,
    ],
    ["an invalid name", "GET", { "sec-fetch-site": "same-origin", host: "a b" }, 421],
    ["the loopback", "GET", { "sec-fetch-site": "same-origin", host: "localhost:7070" }, undefined],
  ])("answers %s", (_what, method, headers, status) => {
    expect(findBrowserRefusal(aRequest(method, headers), place)?.status).toBe(status);
  });

  it("rejects a page of another port of the loopback", () => {
    const headers = { origin: "http://127.0.0.1:9999", "content-type": "application/json" };

    const refusal = findBrowserRefusal(aRequest("POST", headers, "http://127.0.0.1:7070/v1/me"), local);

    expect(refusal).toMatchObject({ status: 403, code: "FORBIDDEN" });
  });
});

describe("toCookieNames", () => {
  it("binds the cookie to the host where there is TLS, else to the port", () => {
    expect(toCookieNames(place, aRequest("GET", {})).session).toBe("__Host-stackyard");
    expect(toCookieNames(local, aRequest("GET", {}, "http://127.0.0.1:7071/")).session).toBe("stackyard-7071");
  });
});

describe("findCookie", () => {
  it("returns the value of exactly this name", () => {
    const request = aRequest("GET", { cookie: "a=1; stackyard-7070=x=y; stackyard-70=2" });

    expect(findCookie(request, "stackyard-7070")).toBe("x=y");
    expect(findCookie(request, "stackyard")).toBeUndefined();
  });

  it("returns none when two have the name: one of them was planted", () => {
    expect(findCookie(aRequest("GET", { cookie: "s=1; s=2" }), "s")).toBeUndefined();
  });

  it("survives any header", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\x21-\x7e ]{0,80}$/), (cookie) => {
        const found = findCookie(aRequest("GET", { cookie }), "s");
        expect(found === undefined || cookie.includes(`s=${found}`)).toBe(true);
      }),
    );
  });
});

const dotted = fc
  .array(fc.constantFrom("/", "/", ".", "..", "%2e", "%2E%2e", "\\", "\t", "evil.example", "@", ":", "?", "#", "a"))
  .map((parts) => `/${parts.join("")}`);

describe("toReturnPath", () => {
  it.each([
    ["/stacks?a=1", "/stacks?a=1"],
    ["/", "/"],
    ["//evil.example", "/"],
    ["/\\evil.example", "/"],
    ["/a\\b", "/"],
    ["https://evil.example/", "/"],
    ["javascript:alert(1)", "/"],
    ["/\t/evil.example", "/"],
    ["", "/"],
    [null, "/"],
    [`/${"a".repeat(3_000)}`, "/"],
    ["/.//evil.example/x", "/"],
    ["/x/..//evil.example", "/"],
    ["/%2e//evil.example", "/"],
    ["/a/%2E%2e//evil.example", "/"],
    ["/..//evil.example", "/"],
    ["/./..///evil.example", "/"],
    ["/.//evil.example@yard.example.org", "/"],
    ["/a//b", "/a//b"],
    ["/a/../b?return=//c", "/b?return=//c"],
  ])("maps %j to %j", (text, expected) => {
    expect(toReturnPath(text, place)).toBe(expected);
  });

  it("never leaves the server, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 40 }), dotted), (text) => {
        const path = toReturnPath(text, place);
        expect(new URL(path, place.url).origin).toBe(place.url.origin);
      }),
    );
  });
});
