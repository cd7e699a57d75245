import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAuthenticate, findRefusal, parseBasic } from "./create-app.ts";

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

const tokens = [
  { name: "ada", token: "first-secret-of-the-tests" },
  { name: "ben", token: "second-secret-of-the-tests" },
];
const asking = (authorization?: string) =>
  new Request("http://127.0.0.1/", authorization === undefined ? {} : { headers: { authorization } });
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

describe("createAuthenticate", () => {
  const authenticate = createAuthenticate(tokens, false);

  it("knows a bearer by name", () => {
    expect(authenticate(asking("Bearer second-secret-of-the-tests"))).toBe("ben");
    expect(authenticate(asking("bearer first-secret-of-the-tests"))).toBe("ada");
  });

  it("takes a token as a password, for programs that know no bearer", () => {
    expect(authenticate(asking(basic("token:first-secret-of-the-tests")))).toBe("ada");
    expect(authenticate(asking(basic("ada:first-secret-of-the-tests")))).toBeUndefined();
  });

  it("rejects other credentials", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(tokens.every(({ token }) => text !== token));
        const header = `Bearer ${encodeURIComponent(text)}`;
        expect(authenticate(asking(header))).toBeUndefined();
      }),
    );
    expect(authenticate(asking())).toBeUndefined();
    expect(authenticate(asking("Bearer first-secret-of-the-test"))).toBeUndefined();
  });

  it("accepts requests without a token when that is allowed, but never a wrong token", () => {
    const open = createAuthenticate([], true);

    expect(open(asking())).toBe("anonymous");
    expect(open(asking("Bearer wrong"))).toBeUndefined();
  });
});

describe("parseBasic", () => {
  it("parts at the last colon", () => {
    expect(parseBasic(basic("pr-1/e:1/2:7"))).toEqual({ user: "pr-1/e:1/2", password: "7" });
  });

  it.each([null, "", "Basic", "Basic ###", basic("nocolon")])("gives nothing for %j", (header) => {
    expect(parseBasic(header)).toBeUndefined();
  });
});
