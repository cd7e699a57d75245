import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseLines } from "../src/testing/run-cli.ts";
import { makeTempProject } from "../src/testing/temp-project.ts";
import { AUTHORITY, CERTIFICATE, PRIVATE_KEY } from "./corp-tls.ts";

// A company's network: names that only its proxy resolves, a proxy that wants a password, and servers whose certificates are of the
// company's own authority. Node decides the way of a request when its process starts, so each doctor is one.

const bin = join(import.meta.dirname, "../dist/bin.js");
const HOSTS = ["issuer.corp.test", "git.corp.test", "sts.corp.test"];
const temp = mkdtempSync(join(tmpdir(), "stackyard-proxy-"));
const at = (name: string) => join(temp, name);
writeFileSync(at("ca.pem"), AUTHORITY);

const tls = createTlsServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (request, response) => {
  const { host } = request.headers;
  const issuer = `https://${host}`;
  const endpoints = { authorization_endpoint: `${issuer}/a`, token_endpoint: `${issuer}/t`, jwks_uri: `${issuer}/k` };
  response.setHeader("content-type", "application/json");
  response.end(request.url === "/k" ? '{"keys":[]}' : JSON.stringify({ issuer, ...endpoints }));
});
const asked: string[] = [];
const proxy = createServer();
proxy.on("connect", (request: IncomingMessage, socket: Duplex) => {
  asked.push(request.url ?? "");
  const { "proxy-authorization": authorization } = request.headers;
  if (authorization !== `Basic ${Buffer.from("ada:secret").toString("base64")}`) {
    socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n");
    return;
  }
  const target = connect(portOf(tls), "127.0.0.1", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
  for (const [from, to] of [
    [socket, target],
    [target, socket],
  ] as const) {
    from.pipe(to);
    from.on("error", () => to.destroy());
  }
});

function portOf(server: { address(): unknown }): number {
  return Object(server.address()).port;
}

let project: ReturnType<typeof makeTempProject>;
beforeAll(async () => {
  for (const server of [tls, proxy]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  const access = { people: { issuer: "https://issuer.corp.test", clientId: "stackyard" } };
  const config = { access, plugins: ["./p.mjs"], server: { url: "https://yard.example.org" } };
  project = makeTempProject({
    "stackyard.config.json": JSON.stringify(config),
    "p.mjs": `export default { kind: "stackyard-plugin", name: "p", commands: [], executors: () => [],
      addresses: async () => ["https://git.corp.test"] };`,
  });
});
beforeEach(() => {
  asked.length = 0;
});
afterAll(() => {
  project.remove();
  for (const server of [tls, proxy]) server.close();
  rmSync(temp, { recursive: true });
});

async function findTried(env: Readonly<Record<string, string>>) {
  const aws = { AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL: "https://sts.corp.test" };
  const options = { cwd: project.folder, env: { PATH: process.env["PATH"], NODE_USE_ENV_PROXY: "1", ...aws, ...env } };
  const stdout = await new Promise<string>((resolve) => {
    execFile(process.execPath, [bin, "doctor", "--json"], options, (_, printed) => resolve(printed));
  });
  return parseLines(stdout).filter(({ check }) => check === "issuer" || check === "network");
}

const toProxy = (user: string) => ({ HTTPS_PROXY: `http://${user}@127.0.0.1:${portOf(proxy)}` });

describe("doctor behind a proxy with a password, to servers of a company's own authority", () => {
  it("reaches the issuer, the host and AWS, says so, and shows no password", async () => {
    const tried = await findTried({ ...toProxy("ada:secret"), NODE_EXTRA_CA_CERTS: at("ca.pem") });

    const way = `answers, through the proxy http://127.0.0.1:${portOf(proxy)} of HTTPS_PROXY.`;
    expect(tried.map(({ status, message }) => [status, message])).toEqual(
      HOSTS.map((host) => ["ok", `https://${host} ${way}`]),
    );
    expect([...new Set(asked)].sort()).toEqual(HOSTS.map((host) => `${host}:443`).sort());
  });

  it("names the variable for the authority where that is missing", async () => {
    const tried = await findTried(toProxy("ada:secret"));

    expect(tried.map(({ status, hint }) => [status, hint])).toEqual(
      HOSTS.map(() => ["fail", expect.stringContaining("NODE_EXTRA_CA_CERTS")]),
    );
  });

  // Reported: anthropics/claude-code#84964 ("gives no hint that a proxy 407 caused it"), sivel/speedtest-cli#556.
  it("says that the proxy has refused, and what it wants, where the password is wrong", async () => {
    const tried = await findTried({ ...toProxy("ada:wrong"), NODE_EXTRA_CA_CERTS: at("ca.pem") });

    expect(tried.map(({ status, message, hint }) => [status, message, hint])).toEqual(
      HOSTS.map(() => [
        "fail",
        expect.stringMatching(/407.* It was asked through the proxy/),
        expect.stringContaining("into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT"),
      ]),
    );
    expect(JSON.stringify(tried)).not.toContain("wrong");
  });

  it("asks the proxy nothing about a domain that NO_PROXY has", async () => {
    const tried = await findTried({ ...toProxy("ada:secret"), NO_PROXY: ".corp.test" });

    expect(asked).toEqual([]);
    expect(tried.map(({ status, message }) => [status, message])).toEqual(
      HOSTS.map(() => ["fail", expect.stringMatching(/ENOTFOUND|EAI_AGAIN.* It was asked directly\.$/)]),
    );
  });
});
