import type { NewApiToken } from "@stackyard/core/api";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestYard, type TestYard } from "../testing/test-yard.ts";

const ISSUER = "https://id.example.org";

let yard: TestYard;
let token = "";
beforeEach(async () => {
  const people = { issuer: ISSUER, clientId: "stackyard" };
  yard = createTestYard({ url: "http://127.0.0.1:7070", access: { people, grants: [] } });
  token = (await yard.json<NewApiToken>("/v1/tokens", { body: { name: "ci", role: "viewer" } })).token;
});
afterEach(() => yard.stop());

/** One address gets 429 after 60 wrong credentials; each test has a server of its own. */
const RUNS = 55;
/** What a header can carry at all (RFC 9110, 5.5). */
const headerText = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)) });
const base62 = fc.constantFrom(..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
const shaped = fc
  .tuple(fc.constantFrom("syt_", "sys_", "syw_"), fc.string({ unit: base62, minLength: 49, maxLength: 49 }))
  .map((parts) => parts.join(""));
const secret = fc.oneof(shaped, headerText);
const scheme = fc.constantFrom("Bearer ", "bearer  ", "Basic ", "Digest ", "");
const status = async (headers: Readonly<Record<string, string>>) => (await yard.call("/v1/me", { headers })).status;

describe("credentials that do not exist", () => {
  it("are 401, whatever the header says", async () => {
    await fc.assert(
      fc.asyncProperty(scheme, secret, fc.boolean(), async (name, text, isEncoded) => {
        const value = isEncoded ? Buffer.from(`token:${text}`).toString("base64") : text;

        expect(await status({ authorization: `${name}${value}`.trim() })).toBe(401);
      }),
      { numRuns: RUNS },
    );
  });

  it("are not a token of which one character differs", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(token.length - 1), base62, async (at, character) => {
        fc.pre(token[at] !== character);
        const changed = token.slice(0, at) + character + token.slice(at + 1);

        expect(await status({ authorization: `Bearer ${changed}` })).toBe(401);
      }),
      { numRuns: RUNS },
    );
  });

  it("of API tokens are not cookies", async () => {
    for (const name of ["stackyard-80", "stackyard-7070", "__Host-stackyard"]) {
      expect([400, 401, 403]).toContain(await status({ authorization: "", cookie: `${name}=${token}` }));
    }
    expect(await status({ authorization: `Bearer ${token}` })).toBe(200);
  });

  it("are not in cookies, whatever these say", async () => {
    const pair = fc.tuple(fc.constantFrom("stackyard-7070", "__Host-stackyard", "a", ""), secret);
    await fc.assert(
      fc.asyncProperty(fc.array(pair, { maxLength: 4 }), async (pairs) => {
        const cookie = pairs.map((each) => each.join("=")).join("; ");

        expect([401, 403]).toContain(await status({ authorization: "", cookie }));
      }),
      { numRuns: RUNS },
    );
  });
});
