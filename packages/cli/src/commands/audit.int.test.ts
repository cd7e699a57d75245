import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLines, runCli } from "../testing/run-cli.ts";
import { makeTempProject } from "../testing/temp-project.ts";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

/** A line as a server seals it. */
function toText(seq: number, prev: string): string {
  const who = { kind: "person", id: "00u1", name: "ada", groups: [] };
  const on = { machine: "review-app", stackId: `pr-${seq}`, eventId: "e1" };
  return JSON.stringify({
    seq,
    prev,
    id: `01${seq}`,
    at: 1_000,
    action: "CANCEL_TASK",
    outcome: "done",
    who,
    via: "api",
    on,
  });
}

const FIRST = toText(1, "");
const SECOND = toText(2, hash(FIRST));
const TEXTS = [FIRST, SECOND, toText(3, hash(SECOND))];
const HEAD = { seq: 3, hash: hash(TEXTS[2] ?? ""), first: { seq: 1, prev: "" } };

describe("audit", () => {
  let server: Server;
  let url = "";
  let texts = TEXTS;
  let signed = {};
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
      asked.push(`${pathname}?${searchParams}`);
      const lines = texts.map((text) => ({ ...JSON.parse(text), at: "2026-11-20T08:00:00.000Z" })).reverse();
      const isExport = pathname === "/v1/audit/export";
      response.setHeader("content-type", isExport ? "application/x-ndjson" : "application/json");
      if (isExport) response.end(texts.map((text) => `${text}\n`).join(""));
      else response.end(JSON.stringify(pathname === "/v1/audit/head" ? { ...HEAD, ...signed } : { items: lines }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());
  const run = (...words: string[]) => runCli(["audit", ...words, "--url", url, "--token", "t"], { cwd: "/" });

  it("exports every byte of the lines, and verifies the file, whatever names are in it", async () => {
    const odd = ["\u202e", "\u2028x", "\u2029", "\u200b", "\u0085", "\u007f", "\ufeff"].join(" ");
    const first = toText(1, "").replace('"ada"', JSON.stringify(odd));
    texts = [first, toText(2, hash(first))];
    const folder = makeTempProject({});
    try {
      const { stdout, exitCode } = await run("export");
      writeFileSync(join(folder.folder, "a.ndjson"), stdout);
      writeFileSync(join(folder.folder, "b.ndjson"), stdout.replaceAll("\n", "\r\n"));

      expect([exitCode, stdout]).toEqual([0, texts.map((text) => `${text}\n`).join("")]);
      for (const file of ["a.ndjson", "b.ndjson"]) {
        const verified = await runCli(["audit", "verify", file], { cwd: folder.folder });
        expect([verified.exitCode, verified.stdout]).toEqual([
          0,
          expect.stringMatching(/^Verified 2 lines, 1 to 2: the chain is intact\./),
        ]);
      }
    } finally {
      folder.remove();
      texts = TEXTS;
    }
  });

  it("lists lines newest first, and passes its filters on", async () => {
    const { stdout, exitCode } = await run("--who", "ada", "--stack", "pr-1", "--since", "2026-11-20", "--action", "X");

    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^LINE +AT +WHO +ACTION +OUTCOME/);
    expect(stdout).toMatch(/^3 +2026-11-20T08:00:00.000Z +ada +CANCEL_TASK +done +pr-3\n2 .*\n1 .*\n$/m);
    expect(asked.at(-1)).toBe("/v1/audit?who=ada&action=X&stack=pr-1&since=2026-11-20&limit=100");
    expect(parseLines((await run("--json", "-n", "2")).stdout)).toMatchObject([{ seq: 3 }, { seq: 2 }]);
  });

  it("exports the log in the form that is hashed", async () => {
    expect((await run("export")).stdout).toBe(TEXTS.map((text) => `${text}\n`).join(""));
  });

  it("verifies the log of the server", async () => {
    expect(await run("verify")).toMatchObject({
      exitCode: 0,
      stdout: `Verified 3 lines, 1 to 3: the chain is intact. Head: ${HEAD.hash}\n`,
    });
    texts = TEXTS.toSpliced(1, 1);
    expect(await run("verify")).toMatchObject({ exitCode: 1, stdout: "Line 2 was removed.\n" });
    texts = TEXTS.with(1, (TEXTS[1] ?? "").replace("ada", "eve"));
    expect(await run("verify")).toMatchObject({ exitCode: 1, stdout: "Line 2 was changed.\n" });
    const json = await run("verify", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ kind: "broken", fault: { kind: "changed", seq: 2 } });
    texts = TEXTS;
  });

  it("verifies a file without a server, against a hash that was noted", async () => {
    const { folder: cwd, remove } = makeTempProject({
      "whole.ndjson": TEXTS.map((text) => `${text}\n`).join(""),
      "short.ndjson": TEXTS.slice(0, 2).join("\n"),
      "machine.yaml": "version: 2\n",
    });
    const verify = (...words: string[]) => runCli(["audit", "verify", ...words], { cwd });

    expect(await verify("whole.ndjson")).toMatchObject({ exitCode: 0 });
    expect(await verify("whole.ndjson", "--head", HEAD.hash)).toMatchObject({ exitCode: 0 });
    expect(await verify("short.ndjson")).toMatchObject({ exitCode: 0 });
    const short = await verify("short.ndjson", "--head", HEAD.hash);
    expect([short.exitCode, short.stdout]).toEqual([1, expect.stringContaining("The log ends with line 2")]);
    const other = "Line 1 was changed, or this is not an audit log.\n";
    expect(await verify("machine.yaml")).toMatchObject({ exitCode: 1, stdout: other });
    expect(await verify("nope.ndjson")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("nope.ndjson") });
    const wrong = await verify("whole.ndjson", "--head", HEAD.hash.toUpperCase());
    expect([wrong.exitCode, wrong.stderr]).toEqual([64, expect.stringContaining("64 hexadecimal digits of a hash")]);
    expect(wrong.stderr).not.toContain("{1,300}");
    remove();
  });

  it("verifies a file against a signed head, with the key that the server says or that was noted", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const { x: key = "" } = privateKey.export({ format: "jwk" });
    const toPart = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const toHead = (of: { readonly seq: number; readonly hash: string }) => {
      const text = `${toPart({ alg: "EdDSA" })}.${toPart({ ...of, at: "2026-11-20T08:00:00.000Z" })}`;
      return `${text}.${sign(null, Buffer.from(text), privateKey).toString("base64url")}`;
    };
    const head = toHead({ seq: 3, hash: HEAD.hash });
    const { folder: cwd, remove } = makeTempProject({ "whole.ndjson": TEXTS.join("\n"), "short.ndjson": FIRST });
    const verify = (...words: string[]) => runCli(["audit", "verify", ...words], { cwd });
    const other = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }).x ?? "";

    expect(await verify("whole.ndjson", "--head", head, "--key", key)).toMatchObject({ exitCode: 0 });
    expect(await verify("short.ndjson", "--head", head, "--key", key)).toMatchObject({ exitCode: 1 });
    expect(await verify("whole.ndjson", "--head", head)).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining("nothing says with which key"),
    });
    expect(await verify("whole.ndjson", "--head", head, "--key", other)).toMatchObject({
      exitCode: 64,
      stderr: expect.stringContaining(`was not signed with the key ${other}`),
    });
    signed = { signed: head, key };
    expect(await run("verify", "--head", head)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`\nThe yard signs heads with the key ${key}.\n`),
    });
    expect(JSON.parse((await run("verify", "--json")).stdout)).toMatchObject({ kind: "whole", key });
    signed = {};
    remove();
  });
});
