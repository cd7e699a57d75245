import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createFakeClock } from "@stackyard/core/testing";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createIssuerClient } from "./issuer-client.ts";
import { createJwtVerifier } from "./jwt-verifier.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** An issuer that counts who asks it, and answers 503 while `isDown`. */
const issuer = { url: "", isDown: false, calls: 0, keys: [] as object[] };
let server: Server;
beforeEach(async () => {
  Object.assign(issuer, { isDown: false, calls: 0, keys: [] });
  server = createServer(({ url: path }, response) => {
    issuer.calls += 1;
    const { url, keys, isDown } = issuer;
    const metadata = { issuer: url, jwks_uri: `${url}/keys`, authorization_endpoint: `${url}/auth` };
    response.writeHead(isDown ? 503 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(path === "/keys" ? { keys } : metadata));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

describe("what is found of an issuer", () => {
  it("is requested at the first use, and kept for 24 hours", async () => {
    const clock = createFakeClock();
    const client = createIssuerClient({ issuer: issuer.url, clientId: "stackyard" }, { clock });
    const calls = [issuer.calls];
    for (const ms of [0, 24 * HOUR_MS - 1, 1]) {
      await clock.advance(ms);
      expect(await client.loadMetadata()).toMatchObject({ jwksUri: `${issuer.url}/keys` });
      calls.push(issuer.calls);
    }

    expect(calls).toEqual([0, 1, 1, 2]);
  });

  it("is requested again 30 seconds after a failure, not sooner, also where a library has replaced `Response`", async () => {
    vi.stubGlobal("Response", class extends Response {});
    const clock = createFakeClock();
    const client = createIssuerClient({ issuer: issuer.url, clientId: "stackyard" }, { clock });
    const unreachable = expect.objectContaining({ code: "UNREACHABLE" });
    issuer.isDown = true;
    await expect(client.loadMetadata()).rejects.toEqual(unreachable);
    issuer.isDown = false;
    await clock.advance(30_000 - 1);
    await expect(client.loadMetadata()).rejects.toEqual(unreachable);
    const before = issuer.calls;
    await clock.advance(1);

    expect(await client.loadMetadata()).toMatchObject({ issuer: issuer.url });
    expect([before, issuer.calls]).toEqual([1, 2]);
  });
});

describe("the keys of an issuer", () => {
  it("are good for 10 minutes while it is down; then tokens are UNREACHABLE", async () => {
    // jose reads the system's clock.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1) });
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    issuer.keys = [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "ES256" }];
    const verifier = createJwtVerifier(issuer.url, {
      client: { loadMetadata: async () => ({ issuer: issuer.url, jwksUri: `${issuer.url}/keys` }) },
      clock: { now: () => Date.now() },
    });
    const token = await new SignJWT({ sub: "job" })
      .setProtectedHeader({ alg: "ES256", kid: "k1" })
      .setIssuer(issuer.url)
      .setAudience("yard")
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(privateKey);
    await verifier.verify(token, "yard");
    issuer.isDown = true;

    vi.advanceTimersByTime(10 * MINUTE_MS - 1);
    expect(await verifier.verify(token, "yard")).toMatchObject({ sub: "job" });
    vi.advanceTimersByTime(1);
    await expect(verifier.verify(token, "yard")).rejects.toEqual(expect.objectContaining({ code: "UNREACHABLE" }));
  });
});
