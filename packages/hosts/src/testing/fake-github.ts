import { generateKeyPairSync, verify } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type PullInput, toGitHubPull } from "./hosts-bench.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** The private key of the App of the fake. */
export const APP_KEY = privateKey;

/** The parts of GitHub's REST API that look-ups use, under the paths of GitHub Enterprise. */
export interface FakeGitHub {
  readonly url: string;
  /** Paths that were requested, with their methods. */
  readonly requests: readonly string[];
  /** The pull request acme/shop#7; undefined: it does not exist. */
  pull: PullInput | undefined;
  permission: string;
  /** Answers every request with it. */
  failWith: number | undefined;
  stop(): Promise<void>;
}

/** Starts a fake. */
export async function startFakeGitHub(): Promise<FakeGitHub> {
  const requests: string[] = [];
  const settings: Pick<FakeGitHub, "pull" | "permission" | "failWith"> = {
    pull: undefined,
    permission: "write",
    failWith: undefined,
  };
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const [status, body] = settings.failWith === undefined ? answer(settings, request) : [settings.failWith, {}];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(settings, { requests, url: `http://127.0.0.1:${port}`, stop: () => stop(server) });
}

function answer(fake: Pick<FakeGitHub, "pull" | "permission">, request: IncomingMessage): readonly [number, unknown] {
  const path = request.url?.replace("/api/v3", "");
  const [, credential = ""] = (request.headers.authorization ?? "").split(" ");
  const isApp = isSignedByApp(credential);
  const isInstallation = credential === "installation-token";
  if (path === "/repos/acme/shop/installation" && isApp) return [200, { id: 9 }];
  if (path === "/app/installations/9/access_tokens" && isApp) {
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    return [201, { token: "installation-token", expires_at: expires, permissions: {}, repository_selection: "all" }];
  }
  if (path === "/repos/acme/shop/pulls/7" && isInstallation && fake.pull !== undefined)
    return [200, toGitHubPull(fake.pull)];
  if (path === "/repos/acme/shop/collaborators/octocat/permission" && isInstallation) {
    return [200, { permission: fake.permission }];
  }
  return [isApp || isInstallation ? 404 : 401, { message: "Not Found" }];
}

function isSignedByApp(token: string): boolean {
  const [head, body, signature] = token.split(".");
  if (signature === undefined) return false;
  return verify("RSA-SHA256", Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, "base64url"));
}

function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
