import { describe, expect, it } from "vitest";
import { findRefusal } from "./refuse-request.ts";

const settings = {
  allowedHosts: new Set(["localhost", "127.0.0.1", "[::1]"]),
  corsOrigins: new Set(["https://console.test"]),
};
const request = (headers: Readonly<Record<string, string>>, url = "http://127.0.0.1:7070/v1/stacks") =>
  new Request(url, { headers });

describe("findRefusal", () => {
  it.each(["127.0.0.1:7070", "localhost:7070", "LOCALHOST", "[::1]:7070"])("lets calls to %s in", (host) => {
    expect(findRefusal(request({ host }), settings)).toBeUndefined();
  });

  it.each([
    "evil.test",
    "evil.test:7070",
    "localhost.evil.test",
    "127.0.0.1.evil.test",
    "",
    "a b",
    "localhost@evil.test",
    "::::",
  ])("rejects calls under the name %j", (host) => {
    expect(findRefusal(request({ host }), settings)).toMatchObject({ status: 421, code: "FORBIDDEN" });
  });

  // Reported: hatchet-dev/hatchet#251
  it("says which name the server does not know, and where to write it", () => {
    expect(findRefusal(request({ host: "yard.internal:8080" }), settings)?.detail).toMatch(
      /"yard\.internal".*server\.url in the configuration/,
    );
    expect(findRefusal(request({ host: "x".repeat(9_000) }), settings)?.detail.length).toBeLessThan(500);
  });

  it("rejects another host in the request's target", () => {
    expect(findRefusal(request({}, "http://evil.test/v1/stacks"), settings)?.status).toBe(421);
  });

  it.each(["https://evil.test", "null", "http://localhost:9999"])("rejects pages of the origin %s", (origin) => {
    expect(findRefusal(request({ host: "localhost:7070", origin }), settings)?.status).toBe(403);
  });

  it.each(["http://localhost:7070", "https://console.test"])("lets pages of the origin %s in", (origin) => {
    const url = "http://localhost:7070/v1/stacks";
    expect(findRefusal(request({ host: "localhost:7070", origin }, url), settings)).toBeUndefined();
  });

  it.each(["/v1/stacks/%E0%A4%A", "/v1/stacks/%", "/v1/stacks/%zz", "/v1/stacks/%FF"])(
    "refuses the path %s",
    (path) => {
      expect(findRefusal(request({}, `http://127.0.0.1${path}`), settings)?.status).toBe(400);
    },
  );
});
