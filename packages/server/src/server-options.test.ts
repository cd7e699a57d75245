import { describe, expect, it } from "vitest";
import { parseServerOptions } from "./server-options.ts";
import { createTestYard } from "./testing/test-yard.ts";

const tokens = [{ name: "ada", token: "0123456789abcdef" }];

describe("access of the options", () => {
  const tokens = [{ name: "ci", token: "a-token-of-the-tests" }];

  it.each([
    [{ access: { grants: [{ to: { workload: "github" }, role: "viewer" as const }] } }, '"github" is unknown'],
    [{ access: { people: { issuer: "https://id.test", clientId: "a" } } }, "server.url is missing"],
    [{ url: "https://example.org/stackyard" }, "must not have a path"],
    [{ trustedProxies: ["10.0.0.0/99"] }, '"10.0.0.0/99" is not a network'],
  ])("is checked when the server is created: %j", (options, message) => {
    expect(() => createTestYard({ tokens, ...options })).toThrow(message);
  });
});

describe("parseServerOptions", () => {
  it.each(["127.0.0.1", "127.8.8.8", "::1", "localhost"])("lets %s be open to this machine", (host) => {
    expect(parseServerOptions({ host, allowAnonymous: true })).toMatchObject({ tokens: [] });
  });

  it.each(["0.0.0.0", "10.0.0.1", "::", "127.0.0.1.evil.test", "localhost.evil.test"])(
    "requires a token on %s",
    (host) => {
      expect(() => parseServerOptions({ host, allowAnonymous: true, tokens })).toThrow("not a loopback address");
      expect(parseServerOptions({ host, tokens }).allowedHosts).toBeUndefined();
    },
  );

  it.each([
    ["127.8.8.8", "127.8.8.8"],
    ["::1", "[::1]"],
  ])("lets programs of this machine call it by the address on which it listens, %s", (host, name) => {
    const { allowedHosts } = parseServerOptions({ host, tokens, url: "https://yard.example.org" });

    expect([...(allowedHosts ?? [])]).toEqual(expect.arrayContaining([name, "localhost", "yard.example.org"]));
    expect(allowedHosts).not.toContain("evil.example.org");
  });

  it.each(["", "a b", "<b>eu</b>", "eu\u202eprod", "a".repeat(10_000), "-eu", "eu\nprod"])(
    "refuses a name of the yard that would change what people read: %j",
    (yardName) => {
      expect(() => parseServerOptions({ tokens, yardName })).toThrow(
        /^The yard's name must be 1 to 64 letters, digits and _\.-\.$/,
      );
    },
  );

  it("allows 20 streams of one identity, and 200 of a server", () => {
    expect(parseServerOptions({ tokens }).limits).toMatchObject({ streamsPerCaller: 20, streams: 200 });
  });

  it("rejects to start without a token, and with one that could be guessed", () => {
    expect(() => parseServerOptions({})).toThrow("at least one token");
    expect(() => parseServerOptions({ tokens: [{ name: "a", token: "short" }] })).toThrow("16 characters");
  });
});

describe("other origins", () => {
  const origin = "https://console.test";
  const preflight = { method: "OPTIONS", headers: { origin, "access-control-request-method": "GET" } };

  it("receive nothing by default", async () => {
    const yard = createTestYard();

    const answer = await yard.call("/v1/stacks", preflight);

    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    await yard.stop();
  });

  it("may call when they are listed", async () => {
    const yard = createTestYard({ corsOrigins: [origin] });

    const [asked, answered] = [
      await yard.call("/v1/stacks", preflight),
      await yard.call("/v1/stacks", { headers: { origin } }),
    ];

    expect(asked.status).toBe(204);
    expect(asked.headers.get("access-control-allow-headers")).toContain("authorization");
    expect([asked, answered].map(({ headers }) => headers.get("access-control-allow-origin"))).toEqual([
      origin,
      origin,
    ]);
    await yard.stop();
  });
});
