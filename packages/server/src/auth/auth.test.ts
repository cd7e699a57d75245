import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ensureToken } from "./ensure-token.ts";
import { createAuthenticate, parseBasic } from "./tokens.ts";

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

  it("knows nobody by anything else", () => {
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

  it("lets everybody in without a token when that is allowed, but nobody with a wrong one", () => {
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

describe("ensureToken", () => {
  const newFolder = () => mkdtemp(join(tmpdir(), "token-"));

  it("makes a token that only its owner can read, and gives the same one ever after", async () => {
    const dataDir = join(await newFolder(), "data");

    const token = await ensureToken(dataDir);

    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await stat(join(dataDir, "token"))).mode & 0o777).toBe(0o600);
    expect(await ensureToken(dataDir)).toBe(token);
  });

  it("gives one token to all who ask at the same time", async () => {
    const dataDir = await newFolder();

    const given = await Promise.all(Array.from({ length: 20 }, () => ensureToken(dataDir)));

    expect(new Set(given).size).toBe(1);
  });

  it("refuses a file that holds something else, and takes rights away from others", async () => {
    const [wrong, open] = [await newFolder(), await newFolder()];
    await writeFile(join(wrong, "token"), "short");
    await writeFile(join(open, "token"), `${"t".repeat(40)}\n`, { mode: 0o644 });

    await expect(ensureToken(wrong)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await ensureToken(open)).toBe("t".repeat(40));
    expect((await stat(join(open, "token"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(wrong, "token"), "utf8")).toBe("short");
  });
});
