import { randomInt } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import Provider, { type Configuration } from "oidc-provider";
import MemoryAdapter from "oidc-provider/lib/adapters/memory_adapter.js";

/** An OpenID Connect issuer in this process, where every browser signs in as the present person, without a password. */
export interface TestIssuer {
  readonly url: string;
  /** The claims of the person who signs in next; `sub` is required. */
  person: Readonly<Record<string, unknown>> & { readonly sub: string };
  /** Changes the claims of ID tokens before they are signed, with the issuer's own key. */
  tamper: ((claims: JWTPayload) => JWTPayload) | undefined;
  /** Answers a request in place of the issuer when it returns true, as issuers with other habits do. */
  override: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Takes new keys; the old ones are forgotten. */
  rotate(): Promise<void>;
  /** Signs any claims with the present key. ID tokens go through it too. */
  sign: (claims: JWTPayload, header?: { readonly typ?: string; readonly kid?: string }) => Promise<string>;
  /** Refuses connections from now on. */
  stop(): Promise<void>;
}

export interface TestIssuerOptions {
  readonly clientId?: string;
  /** Without it, a public client. */
  readonly clientSecret?: string;
  /** The address of the yard's server. */
  readonly yardUrl: string;
}

const ALG = "RS256";

/** The default, but without its warning. */
class Memory extends MemoryAdapter {}

interface Keys {
  readonly jwk: JWK;
  readonly sign: TestIssuer["sign"];
}

/** Starts one on a free port. */
export async function startTestIssuer(options: TestIssuerOptions): Promise<TestIssuer> {
  let answer: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  const server = createServer((request, response) => answer(request, response));
  const url = await listen(server);
  let keys = await createKeys(url, firstPair);
  const issuer: TestIssuer = {
    url,
    person: { sub: "00u1", email: "ada@example.org", groups: ["team-web"] },
    tamper: undefined,
    override: undefined,
    async rotate() {
      keys = await createKeys(url);
      issuer.sign = keys.sign;
      answer = createAnswer(issuer, options, keys.jwk);
    },
    sign: keys.sign,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  answer = createAnswer(issuer, options, keys.jwk);
  return issuer;
}

/** The system assigns none of these ports to servers without a fixed port, or to outgoing connections (Linux, macOS and Windows begin above). */
const CHOSEN_PORTS = { first: 10_000, last: 32_000 } as const;

/**
 * Returns a port that is free: an issuer needs the address of the yard before the server listens. Until then no process gets it
 * that does not name it.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(CHOSEN_PORTS.first, CHOSEN_PORTS.last);
    const server = createServer();
    const url = await listen(server, port).catch(() => undefined);
    if (url === undefined) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

function listen(server: Server, port = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
}

let keyNumber = 0;
/** A new pair of keys takes a quarter of a second, so issuers begin with the same one. */
const firstPair = generateKeyPair(ALG, { extractable: true });

async function createKeys(issuer: string, pair = generateKeyPair(ALG, { extractable: true })): Promise<Keys> {
  const { privateKey } = await pair;
  keyNumber += 1;
  const kid = `key-${keyNumber}`;
  const jwk = { ...(await exportJWK(privateKey)), kid, alg: ALG, use: "sig" };
  const sign: Keys["sign"] = (claims, header = {}) =>
    new SignJWT({ iss: issuer, ...claims }).setProtectedHeader({ alg: ALG, kid, ...header }).sign(privateKey);
  return { jwk, sign };
}

function createAnswer(issuer: TestIssuer, options: TestIssuerOptions, jwk: JWK) {
  const provider = new Provider(issuer.url, toConfiguration(issuer, options, jwk));
  const callback = provider.callback();
  return async (request: IncomingMessage, response: ServerResponse) => {
    if (issuer.override?.(request, response)) return;
    if (request.url?.startsWith("/interaction/")) {
      await provider.interactionFinished(request, response, { login: { accountId: issuer.person.sub } });
      return;
    }
    if (request.url === "/token") tamperWith(response, (claims) => issuer.sign(issuer.tamper?.(claims) ?? claims));
    callback(request, response);
  };
}

/** Replaces the ID token in the answer of the token endpoint. */
function tamperWith(response: ServerResponse, resign: (claims: JWTPayload) => Promise<string>): void {
  const end = response.end.bind(response);
  response.end = ((body?: unknown) => {
    const answer: unknown = typeof body === "string" || Buffer.isBuffer(body) ? JSON.parse(String(body)) : undefined;
    if (typeof answer !== "object" || answer === null || !("id_token" in answer)) return end(body as string);
    const claims = JSON.parse(Buffer.from(String(answer.id_token).split(".")[1] ?? "", "base64url").toString());
    void resign(claims).then((token) => {
      const text = JSON.stringify({ ...answer, id_token: token });
      response.setHeader("content-length", Buffer.byteLength(text));
      end(text);
    });
    return response;
  }) as typeof response.end;
}

function toConfiguration(issuer: TestIssuer, options: TestIssuerOptions, jwk: JWK): Configuration {
  const { clientId = "stackyard", clientSecret, yardUrl } = options;
  return {
    adapter: Memory,
    clients: [
      {
        client_id: clientId,
        ...(clientSecret === undefined
          ? { token_endpoint_auth_method: "none" }
          : { client_secret: clientSecret, token_endpoint_auth_method: "client_secret_basic" }),
        redirect_uris: [`${yardUrl}/auth/callback`],
        post_logout_redirect_uris: [`${yardUrl}/`],
        backchannel_logout_uri: `${yardUrl}/auth/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    jwks: { keys: [jwk] },
    pkce: { required: () => true },
    claims: {
      openid: ["sub", "sid"],
      email: ["email", "email_verified"],
      profile: ["name", "preferred_username", "groups"],
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        async logoutSource(ctx, form) {
          ctx.body = form;
        },
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: async (_ctx, sub) => ({
      accountId: sub,
      claims: async () => ({ email_verified: true, ...issuer.person, sub }),
    }),
    async loadExistingGrant(ctx) {
      const { client, session, provider } = ctx.oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid profile email");
      await grant.save();
      return grant;
    },
    cookies: { keys: ["a key of the tests"] },
    ttl: { Interaction: 600, Session: 3_600, Grant: 3_600, AccessToken: 600, IdToken: 600 },
  };
}
