import type { RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createTcpServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { aUrl, KEY, NOW } from "../testing/a-message.ts";
import { type ASource, close, listen, openSource } from "../testing/a-source.ts";
import { createSourceFetch, type SourceAnswer, type SourceFetchOptions, type SourceRequest } from "./source-fetch.ts";

/** Self-signed, for the source bucket's own name; not used elsewhere. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIB7jCCAZSgAwIBAgIUcw6O2MF440+YMnZfPDfBgEsUm8UwCgYIKoZIzj0EAwIw
MTEvMC0GA1UEAwwmZGlzdC1idWNrZXQuczMuZXUtd2VzdC0xLmFtYXpvbmF3cy5j
b20wIBcNMjYxMTIxMDAzNzQxWhgPMjEyNjEwMjgwMDM3NDFaMDExLzAtBgNVBAMM
JmRpc3QtYnVja2V0LnMzLmV1LXdlc3QtMS5hbWF6b25hd3MuY29tMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEvcN5CYIq1GygrOIVIrWK0Qg06KkxUUVPAJfTSqA/
7vfwuhb49LYjZmKu9oW9OL4MY3ybnFqYj8dkrRuJDKVE2aOBhzCBhDAdBgNVHQ4E
FgQUdtWsBn3wdNT1bXZQ+6UIdiprbCYwHwYDVR0jBBgwFoAUdtWsBn3wdNT1bXZQ
+6UIdiprbCYwDwYDVR0TAQH/BAUwAwEB/zAxBgNVHREEKjAogiZkaXN0LWJ1Y2tl
dC5zMy5ldS13ZXN0LTEuYW1hem9uYXdzLmNvbTAKBggqhkjOPQQDAgNIADBFAiAV
S84snqwvJtEFH3FqaMYl9O1vyYJzyBz1yDwG0kQpKwIhAKtyfVoaIeZD5gMdZj3q
erYivFNuxlkC/GkT7qhbhbIc
-----END CERTIFICATE-----`;
const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgJfYy9odNF89Yk3zs
eK6Cilmy95KF69y7oAgX1xt2rrChRANCAAS9w3kJgirUbKCs4hUitYrRCDToqTFR
RU8Al9NKoD/u9/C6Fvj0tiNmYq72hb04vgxjfJucWpiPx2StG4kMpUTZ
-----END PRIVATE KEY-----`;

const RULES = { bucket: "dist-bucket", region: "eu-west-1" };
const PLACE = "dist-bucket.s3.eu-west-1.amazonaws.com";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function open(answer: RequestListener): Promise<ASource> {
  const source = await openSource(answer);
  ends.push(source.close);
  return source;
}

function ask(options: Partial<SourceFetchOptions>, request: Partial<SourceRequest> = {}): Promise<SourceAnswer> {
  const signal = new AbortController().signal;
  return createSourceFetch({ rules: RULES, ...options })({ url: aUrl(), key: KEY, signal, ...request });
}

async function read(answer: SourceAnswer): Promise<string> {
  if (answer.kind !== "content") throw new Error(JSON.stringify(answer));
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("a fetch by a presigned URL", () => {
  it("gets the bytes, and leaves path, query and Host as they were signed", async () => {
    const source = await open((_request, response) => response.setHeader("Content-Length", 5).end("bytes"));

    const answer = await ask({ origin: () => source.origin });

    expect([await read(answer), answer.kind === "content" && answer.length]).toEqual(["bytes", 5]);
    expect(source.requests).toEqual([{ path: aUrl().slice(`https://${PLACE}`.length), host: PLACE, range: undefined }]);
  });

  it("requests a part, and reports which one it received", async () => {
    const source = await open((_request, response) =>
      response.writeHead(206, { "Content-Range": "bytes 2-4/9" }).end("cde"),
    );

    const answer = await ask({ origin: () => source.origin }, { range: { from: 2, to: 4 } });

    expect(answer).toMatchObject({ kind: "content", range: { from: 2, to: 4, size: 9 } });
    expect([await read(answer), source.requests[0]?.range]).toEqual(["cde", "bytes=2-4"]);
  });

  it("sends no request for a URL that is not the source's", async () => {
    const source = await open((_request, response) => response.end());

    const answers = [
      await ask({ origin: () => source.origin }, { url: aUrl({}, `/${KEY}`, "169.254.169.254") }),
      await ask({ origin: () => source.origin }, { url: aUrl({}, "/other") }),
      await ask({ origin: () => source.origin }, { url: `https://${PLACE}/${KEY}` }),
    ];

    expect(answers.map((answer) => answer.kind === "forbidden" && answer.code)).toEqual([
      "URL_HOST",
      "URL_KEY_MISMATCH",
      "URL_NOT_SIGNED",
    ]);
    expect(source.requests).toEqual([]);
  });

  it.each(["127.0.0.1", "169.254.169.254", "[::1]"])("asks no address, although %s is configured", async (host) => {
    const rules = { ...RULES, extraHosts: [host] };

    expect(await ask({ rules }, { url: aUrl({}, `/${KEY}`, host) })).toMatchObject({
      kind: "forbidden",
      code: "URL_HOST",
    });
  });

  it("says what S3 says, its status and its clock", async () => {
    const source = await open((_request, response) =>
      response
        .writeHead(403, { Date: new Date(NOW + 3_000).toUTCString() })
        .end("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"),
    );

    expect(await ask({ origin: () => source.origin, now: () => NOW })).toEqual({
      kind: "refused",
      status: 403,
      code: "AccessDenied",
      message: "Request has expired",
      clockAheadMs: 3_000,
    });
  });
});

describe("a redirect", () => {
  const elsewhere = aUrl({}, `/${KEY}`, "dist-bucket.s3-eu-west-1.amazonaws.com");
  const to =
    (location: string | undefined, status = 307): RequestListener =>
    (request, response) =>
      request.headers.host === PLACE
        ? response.writeHead(status, location === undefined ? {} : { Location: location }).end()
        : response.end("there");

  it("is followed to another name of the bucket", async () => {
    const source = await open(to(elsewhere));

    expect(await read(await ask({ origin: () => source.origin }))).toBe("there");
    expect(source.requests.map(({ host }) => host)).toEqual([PLACE, "dist-bucket.s3-eu-west-1.amazonaws.com"]);
  });

  it.each([
    ["to a private address", aUrl({}, "/latest/meta-data", "169.254.169.254")],
    ["to another bucket", aUrl({}, `/${KEY}`, "other.s3.eu-west-1.amazonaws.com")],
    ["to another key", aUrl({}, "/other", "dist-bucket.s3-eu-west-1.amazonaws.com")],
    ["to plain http", elsewhere.replace("https:", "http:")],
    ["to another port", elsewhere.replace(".com/", ".com:8443/")],
    ["with a user", elsewhere.replace("https://", "https://user@")],
    ["to a path", `/${KEY}`],
    ["to nowhere", undefined],
  ])("%s is not followed", async (_where, location) => {
    const source = await open(to(location));

    expect(await ask({ origin: () => source.origin })).toEqual({ kind: "redirected" });
    expect(source.requests).toHaveLength(1);
  });

  it.each([301, 302, 303, 304, 308])("with %d is not followed", async (status) => {
    const source = await open(to(elsewhere, status));

    expect(await ask({ origin: () => source.origin })).toEqual({ kind: "redirected" });
  });

  it("is followed once", async () => {
    const source = await open((_request, response) => response.writeHead(307, { Location: elsewhere }).end());

    expect(await ask({ origin: () => source.origin })).toEqual({ kind: "redirected" });
    expect(source.requests).toHaveLength(2);
  });
});

describe("a source that does not answer as it should", () => {
  it("is unreachable where its name leads inside", async () => {
    const source = await open((_request, response) => response.end("secret"));
    const { port } = new URL(source.origin);
    const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
    const options = { resolve, origin: () => `http://inside.example:${port}` };

    expect(await ask(options)).toEqual({
      kind: "unreachable",
      reason: "The name inside.example has an address that is not public.",
    });
    expect(source.requests).toEqual([]);
    expect(await read(await ask({ ...options, privateEndpoints: true }))).toBe("secret");
  });

  it("is resolved once: what was checked is what is called", async () => {
    const source = await open((_request, response) => response.end("first"));
    const { port } = new URL(source.origin);
    const answers = [[{ address: "127.0.0.1", family: 4 }], [{ address: "192.0.2.1", family: 4 }]];
    const resolve = async () => answers.shift() ?? [];

    const answer = await ask({ resolve, privateEndpoints: true, origin: () => `http://rebound.example:${port}` });

    expect([await read(answer), answers.length]).toEqual(["first", 1]);
  });

  it("is unreachable with an untrusted certificate", async () => {
    const server = createSecureServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, (_request, response) => response.end());
    const port = await listen(server);
    ends.push(() => close(server));

    expect(await ask({ origin: () => `https://127.0.0.1:${port}` })).toEqual({
      kind: "unreachable",
      reason: "The source does not respond (DEPTH_ZERO_SELF_SIGNED_CERT).",
    });
  });

  it("is unreachable when it shakes no hands", async () => {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as { port: number };

    expect(await ask({ origin: () => `https://127.0.0.1:${port}`, connectTimeoutMs: 20 })).toEqual({
      kind: "unreachable",
      reason: "The connection to the source timed out.",
    });
  });

  it("is unreachable when no answer begins", async () => {
    const source = await open(() => undefined);

    expect(await ask({ origin: () => source.origin, idleTimeoutMs: 20 })).toEqual({
      kind: "unreachable",
      reason: "The source did not respond in time.",
    });
  });

  it("is unreachable when no server listens, and no reason contains the URL", async () => {
    const { origin, close: stop } = await openSource(() => undefined);
    await stop();

    const answer = await ask({ origin: () => origin });

    expect(answer).toEqual({ kind: "unreachable", reason: "The source does not respond (ECONNREFUSED)." });
  });

  it("breaks the body off when nothing comes any more", async () => {
    const source = await open((_request, response) => {
      response.writeHead(200, { "Content-Length": 10 });
      response.write("begin");
    });

    const answer = await ask({ origin: () => source.origin, idleTimeoutMs: 1_000 });

    await expect(read(answer)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: "The source stopped sending.",
    });
  });

  it("breaks the body off when the connection does", async () => {
    const source = await open((_request, response) => {
      response.writeHead(200, { "Content-Length": 10 });
      response.write("begin", () => response.destroy());
    });

    await expect(ask({ origin: () => source.origin }).then(read)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("is left when the caller wants no more of a body", async () => {
    const controller = new AbortController();
    const source = await open((_request, response) => {
      response.writeHead(200, { "Content-Length": 10 });
      response.write("begin");
    });

    const answer = await ask({ origin: () => source.origin }, { signal: controller.signal });
    const reading = read(answer);
    controller.abort();

    await expect(reading).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("is left when the caller wants no more", async () => {
    const source = await open(() => controller.abort());
    const controller = new AbortController();

    expect(await ask({ origin: () => source.origin }, { signal: controller.signal })).toMatchObject({
      kind: "unreachable",
    });
  });
});
