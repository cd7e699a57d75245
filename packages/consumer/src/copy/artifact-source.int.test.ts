import { createServer, type Server, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { anAnnouncement, createACopier, digest, TARGET } from "../testing/a-copier.ts";
import { KEY, NOW } from "../testing/a-message.ts";
import { createSourceFetch } from "./source-fetch.ts";

const RULES = { bucket: "dist-bucket", region: "eu-west-1" };
const BYTES = Buffer.from("the artifact");
const TEXT = BYTES.toString();
const SECRET = /X-Amz|Signature=|https:/;

let server: Server | undefined;
const sockets = new Set<Socket>();
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
});

/** What a source writes once it has been asked; the first answer for the first request, the last one for all that follow. */
type Answer = string | Buffer | ((socket: Socket) => void);

async function openSource(answers: readonly Answer[]): Promise<string> {
  let asked = 0;
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      const answer = answers[Math.min(asked, answers.length - 1)] ?? "";
      asked += 1;
      if (typeof answer === "function") answer(socket);
      else socket.end(answer);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

async function createWorld(answers: readonly Answer[], idleTimeoutMs = 5_000) {
  const origin = await openSource(answers);
  return createACopier({
    fetch: createSourceFetch({ rules: RULES, origin: () => origin, idleTimeoutMs, now: () => NOW }),
  });
}

function answer(status: string, headers: Readonly<Record<string, string | number>>, body = ""): string {
  const lines = Object.entries({ Connection: "close", ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `HTTP/1.1 ${status}\r\n${lines.join("\r\n")}\r\n\r\n${body}`;
}

const chunked = (body: string, trailer = "") =>
  answer("200 OK", { "Transfer-Encoding": "chunked" }, `${body.length.toString(16)}\r\n${body}\r\n0\r\n${trailer}\r\n`);
const sized = (body: string, length = body.length) => answer("200 OK", { "Content-Length": length }, body);
const refusal = (status: string, code: string, message = "", headers = {}) =>
  answer(status, headers, `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`);

async function outcomeOf(answers: readonly Answer[], message = anAnnouncement(BYTES), idleTimeoutMs?: number) {
  const { copier, sim } = await createWorld(answers, idleTimeoutMs);
  const outcome = await copier.copy({ message });
  const stored = sim.s3.findObject(TARGET.bucket, KEY)?.body;
  expect(stored === undefined || stored.equals(BYTES)).toBe(true);
  expect(stored !== undefined).toBe(outcome.kind === "stored");
  expect(JSON.stringify(outcome)).not.toMatch(SECRET);
  return "code" in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind;
}

describe("a source that reports a wrong length", () => {
  it.each([
    ["nothing: chunks without a length", chunked(TEXT), "stored"],
    ["nothing: bytes until the connection ends", `HTTP/1.0 200 OK\r\n\r\n${TEXT}`, "stored"],
    ["nothing, with a trailer", chunked(TEXT, "X-Amz-Error: none\r\n"), "stored"],
    ["a length behind the file", chunked(TEXT, "Content-Length: 1\r\n"), "retry SOURCE_UNAVAILABLE"],
    ["nothing, after a word in between", `HTTP/1.1 103 Early Hints\r\n\r\n${sized(TEXT)}`, "stored"],
    ["more than the file", sized(`${TEXT}!`), "retry SIZE_MISMATCH"],
    ["less than the file", sized("the art"), "retry SIZE_MISMATCH"],
    ["the file, but less comes", sized("the art", TEXT.length), "retry SOURCE_UNAVAILABLE"],
    ["the file, but more comes", sized(`${TEXT}!`, TEXT.length), "stored"],
    ["no number", answer("200 OK", { "Content-Length": "12a" }, TEXT), "retry SOURCE_UNAVAILABLE"],
    ["below nothing", answer("200 OK", { "Content-Length": -1 }, TEXT), "retry SOURCE_UNAVAILABLE"],
    [
      "two lengths",
      `HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Length: 13\r\n\r\n${TEXT}`,
      "retry SOURCE_UNAVAILABLE",
    ],
    ["more in chunks", chunked(`${TEXT} and more`), "retry SIZE_MISMATCH"],
    ["less in chunks", chunked("the art"), "retry SIZE_MISMATCH"],
    ["chunks without an end", chunked(TEXT).slice(0, -5), "retry SOURCE_UNAVAILABLE"],
    [
      "a chunk of no length",
      answer("200 OK", { "Transfer-Encoding": "chunked" }, "zz\r\n"),
      "retry SOURCE_UNAVAILABLE",
    ],
    ["other bytes", sized("the Artifact"), "retry SHA256_MISMATCH"],
    ["nothing at all", sized(""), "retry SIZE_MISMATCH"],
  ])("%s", async (_what, said, expected) => {
    expect(await outcomeOf([said])).toBe(expected);
  });

  it("and a file of nothing is a file", async () => {
    const { copier } = await createWorld([sized("")]);

    expect(await copier.copy({ message: anAnnouncement(Buffer.alloc(0)) })).toMatchObject({ kind: "stored", size: 0 });
  });

  it("and what is packed stays packed: the digest is of the bytes as they lie there", async () => {
    const packed = gzipSync(TEXT);
    const head = answer("200 OK", { "Content-Length": packed.length, "Content-Encoding": "gzip" });
    const { copier, sim } = await createWorld([Buffer.concat([Buffer.from(head), packed])]);

    expect(await copier.copy({ message: anAnnouncement(packed) })).toMatchObject({ kind: "stored", verified: true });
    expect(sim.s3.findObject(TARGET.bucket, KEY)?.body.equals(packed)).toBe(true);
  });

  it.each([
    ["bytes that were packed on the way", gzipSync(TEXT)],
    ["bytes that say that they are packed", BYTES],
  ])("and %s are what they are", async (_what, bytes) => {
    const head = answer("200 OK", { "Content-Length": bytes.length, "Content-Encoding": "gzip" });

    expect(await outcomeOf([Buffer.concat([Buffer.from(head), bytes])])).toBe(
      bytes === BYTES ? "stored" : "retry SIZE_MISMATCH",
    );
  });
});

describe("a source that answers something else", () => {
  const date = new Date(NOW).toUTCString();

  it.each([
    ["a URL that has expired", refusal("403 Forbidden", "AccessDenied", "Request has expired"), "refresh URL_EXPIRED"],
    ["credentials that have", refusal("403 Forbidden", "ExpiredToken"), "refresh URL_EXPIRED"],
    ["the same with 400", refusal("400 Bad Request", "ExpiredToken"), "refresh URL_EXPIRED"],
    ["the signer's clock", refusal("403 Forbidden", "RequestTimeTooSkewed", "", { Date: date }), "refresh URL_EXPIRED"],
    [
      "another clock",
      refusal("403 Forbidden", "RequestTimeTooSkewed", "", { Date: "Thu, 01 Jan 2026 00:00:00 GMT" }),
      "retry SOURCE_DENIED",
    ],
    ["no clock", refusal("403 Forbidden", "RequestTimeTooSkewed"), "retry SOURCE_DENIED"],
    ["a refusal", refusal("403 Forbidden", "AccessDenied", "Access Denied"), "retry SOURCE_DENIED"],
    ["a wrong signature", refusal("403 Forbidden", "SignatureDoesNotMatch", "expired"), "retry SOURCE_DENIED"],
    ["a key that is gone", refusal("403 Forbidden", "InvalidAccessKeyId"), "retry SOURCE_DENIED"],
    ["a refusal without words", answer("403 Forbidden", {}), "retry SOURCE_DENIED"],
    ["a refusal in HTML", answer("403 Forbidden", {}, "<html>expired</html>"), "retry SOURCE_DENIED"],
    ["nothing there", refusal("404 Not Found", "NoSuchKey"), "retry SOURCE_MISSING"],
    ["no bucket", refusal("404 Not Found", "NoSuchBucket"), "retry SOURCE_MISSING"],
    ["too many", refusal("429 Too Many Requests", ""), "retry SOURCE_UNAVAILABLE"],
    ["slower", refusal("503 Slow Down", "SlowDown"), "retry SOURCE_UNAVAILABLE"],
    ["a proxy", answer("502 Bad Gateway", {}, "<html>"), "retry SOURCE_UNAVAILABLE"],
    ["elsewhere for good", answer("301 Moved", { Location: "https://evil.example/" }), "rejected URL_REDIRECT"],
    ["elsewhere for now", answer("307 Temporary", { Location: "https://169.254.169.254/" }), "rejected URL_REDIRECT"],
    ["elsewhere without a place", answer("307 Temporary", {}), "rejected URL_REDIRECT"],
    ["not changed", answer("304 Not Modified", {}), "rejected URL_REDIRECT"],
    ["no range", refusal("416 Range Not Satisfiable", "InvalidRange"), "retry SIZE_MISMATCH"],
    [
      "another protocol",
      answer("101 Switching Protocols", { Connection: "Upgrade", Upgrade: "x" }),
      "retry SOURCE_UNAVAILABLE",
    ],
    ["no HTTP", "220 mail.example ESMTP\r\n", "retry SOURCE_UNAVAILABLE"],
    ["nothing", "", "retry SOURCE_UNAVAILABLE"],
    ["too much of a head", answer("200 OK", { "X-Long": "x".repeat(100_000) }, TEXT), "retry SOURCE_UNAVAILABLE"],
  ])(
    "%s",
    async (_what, said, expected) => {
      expect(await outcomeOf([said])).toBe(expected);
    },
    10_000,
  );

  it("and whose words never end", async () => {
    const drown = (socket: Socket) => {
      socket.write(answer("403 Forbidden", {}, "<Error><Code>AccessDenied</Code>"));
      const pour = () => void (socket.writable && socket.write(Buffer.alloc(65_536, 32), pour));
      pour();
    };

    expect(await outcomeOf([drown])).toBe("retry SOURCE_DENIED");
  });

  it.each([
    ["before it answers", ""],
    ["in its head", "HTTP/1.1 200 OK\r\nContent-"],
    ["in the file", sized("the art", TEXT.length)],
    ["in the words of a refusal", answer("503 Slow Down", { "Content-Length": 100 }, "<Error>")],
  ])("and falls silent %s", async (_when, said) => {
    expect(await outcomeOf([(socket) => void socket.write(said)], undefined, 50)).toBe("retry SOURCE_UNAVAILABLE");
  });

  it.each([
    ["in its head", "HTTP/1.1 200 OK\r\nContent-"],
    ["in the file", sized("the art", TEXT.length)],
  ])("and breaks the connection %s", async (_when, said) => {
    const reset = (socket: Socket) => void socket.write(said, () => socket.resetAndDestroy());

    expect(await outcomeOf([reset])).toBe("retry SOURCE_UNAVAILABLE");
  });

  it("and drips until the time is over", async () => {
    const controller = new AbortController();
    const drip = (socket: Socket) => {
      socket.write(sized("the ", TEXT.length));
      socket.write("art", () => controller.abort());
    };
    const { copier, sim } = await createWorld([drip]);

    const outcome = await copier.copy({ message: anAnnouncement(BYTES), signal: controller.signal });

    expect(outcome).toEqual({ kind: "suspended", newBytes: 0, stalls: 1, reason: "The invocation ran out of time." });
    expect(sim.s3.findObject(TARGET.bucket, KEY)).toBeUndefined();
  });
});

describe("a source from which a part is requested", () => {
  const MIB = 1_024 ** 2;
  const whole = Buffer.alloc(5 * MIB + 3, "ab");
  const parts = [whole.subarray(0, 5 * MIB), whole.subarray(5 * MIB)];
  const described = parts.map((bytes) => ({ size: bytes.length, sha256: digest(bytes) }));
  const manifest = JSON.stringify({
    files: [{ key: KEY, size: whole.length, sha256: digest(whole), parts: described }],
  });

  const head = (range: string | undefined, more = {}) =>
    answer(range === undefined ? "200 OK" : "206 Partial Content", {
      ...(range !== undefined && { "Content-Range": range }),
      ...more,
    });
  const last = { "Content-Length": 3 };

  /** The first part is sent as it should be, and then the last one in some way. */
  async function copy(said: string, body: Buffer) {
    const first = head(`bytes 0-${5 * MIB - 1}/${whole.length}`, { "Content-Length": 5 * MIB });
    const answers = [
      sized(manifest),
      Buffer.concat([Buffer.from(first), parts[0] ?? body]),
      Buffer.concat([Buffer.from(said), body]),
    ];
    const origin = await openSource(answers);
    const fetch = createSourceFetch({ rules: RULES, origin: () => origin, idleTimeoutMs: 5_000 });
    const { copier, sim } = createACopier({ fetch, partsAtOnce: 1 });
    const url = anAnnouncement(whole).ArtifactUrl?.replace(KEY, "m.json") ?? "";
    const message = {
      ...anAnnouncement(whole),
      manifest: { key: "m.json", sha256: digest(Buffer.from(manifest)), url },
    };
    const outcome = await copier.copy({ message });
    const stored = sim.s3.findObject(TARGET.bucket, KEY)?.body;
    expect(stored?.equals(whole) ?? false).toBe(outcome.kind === "stored");
    return "code" in outcome ? `${outcome.kind} ${outcome.code}` : outcome.kind;
  }
  const [, tail = Buffer.alloc(0)] = parts;
  const right = `bytes ${5 * MIB}-${5 * MIB + 2}/${whole.length}`;

  it.each([
    ["the part", head(right, last), tail, "stored"],
    ["the part of a file of unknown size", head(right.replace(/\d+$/, "*"), last), tail, "stored"],
    ["the part, without a length", head(right), tail, "stored"],
    ["all of it", head(undefined, { "Content-Length": whole.length }), whole, "retry SIZE_MISMATCH"],
    ["all of it, without a length", head(undefined), whole, "retry SIZE_MISMATCH"],
    ["the part, as if it were all", head(undefined, last), tail, "retry SIZE_MISMATCH"],
    ["another part of the same length", head("bytes 0-2/5242883", last), tail, "retry SIZE_MISMATCH"],
    ["a part of a longer file", head(right.replace(/\d+$/, "9999999"), last), tail, "retry SIZE_MISMATCH"],
    ["a part that is longer", head(right, { "Content-Length": 4 }), Buffer.from("aba!"), "retry SIZE_MISMATCH"],
    ["a part that gets longer", head(right), Buffer.from("aba!"), "retry SIZE_MISMATCH"],
    ["a part that is shorter", head(right), Buffer.from("ab"), "retry SIZE_MISMATCH"],
    ["a part in other units", head("items 1-3/3", last), tail, "retry SIZE_MISMATCH"],
    ["other bytes", head(right, last), Buffer.from("xyz"), "retry SHA256_MISMATCH"],
    ["no such part", refusal("416 Range Not Satisfiable", "InvalidRange"), Buffer.alloc(0), "retry SIZE_MISMATCH"],
    [
      "that the URL has expired",
      refusal("403 Forbidden", "AccessDenied", "Request has expired"),
      Buffer.alloc(0),
      "refresh URL_EXPIRED",
    ],
  ])("and sends %s", async (_what, said, body, expected) => {
    expect(await copy(said, body)).toBe(expected);
  });
});
