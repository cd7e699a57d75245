import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAuthenticate, parseBasic } from "./operator-token.ts";

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
