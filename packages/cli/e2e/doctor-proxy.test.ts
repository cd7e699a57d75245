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
const HOSTS = ["issuer.corp.test", "git.corp.test", "chat.corp.test", "sts.corp.test"];
const notifications = join(import.meta.dirname, "../../notifications/dist/index.js");
const temp = mkdtempSync(join(tmpdir(), "stackyard-proxy-"));
const at = (name: string) => join(temp, name);
writeFileSync(at("ca.pem"), AUTHORITY);

const tls = createTlsServer({ key: PRIVATE_KEY, cert: CERTIFICATE }, (request, response) => {
  const { host } = request.headers;
  const issuer = `https://${host}`;
  const endpoints = { authorization_endpoint: `${issuer}/a`, token_endpoint: `${issuer}/t`, jwks_uri: `${issuer}/k` };
  if (request.method === "POST") posted.push(`${host}${request.url}`);
  response.setHeader("content-type", "application/json");
  response.end(request.url === "/k" ? '{"keys":[]}' : JSON.stringify({ issuer, ...endpoints }));
});
const asked: string[] = [];
/** Messages that the chat was sent. */
const posted: string[] = [];
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
  const config = { access, plugins: ["./p.mjs", { use: notifications }], server: { url: "https://yard.example.org" } };
  project = makeTempProject({
    "stackyard.config.json": JSON.stringify(config),
    "p.mjs": `export default { kind: "stackyard-plugin", name: "p", commands: [], executors: () => [],
      addresses: async () => ["https://git.corp.test"] };`,
    "notifications.yaml": `channels:
  team: { type: slack, url: { env: CHAT_URL } }
rules:
  - { name: broken, when: "entry.to == 'BROKEN'", to: [team] }
`,
  });
});
beforeEach(() => {
  asked.length = 0;
  posted.length = 0;
});
afterAll(() => {
  project.remove();
  for (const server of [tls, proxy]) server.close();
  rmSync(temp, { recursive: true });
});

function stackyard(words: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const world = {
    AWS_REGION: "eu-west-1",
    AWS_ENDPOINT_URL: "https://sts.corp.test",
    CHAT_URL: "https://chat.corp.test/services/T1/B1",
  };
  const all = { PATH: process.env["PATH"], NODE_USE_ENV_PROXY: "1", ...world, ...env };
  return new Promise<string>((resolve) => {
    execFile(process.execPath, [bin, ...words, "--json"], { cwd: project.folder, env: all }, (_, stdout) =>
      resolve(stdout),
    );
  });
}

async function findTried(env: Readonly<Record<string, string>>) {
  return parseLines(await stackyard(["doctor"], env)).filter(({ check }) => check === "issuer" || check === "network");
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
    expect(tried.map(({ status, message, hint }) => [status, message, hint])).toEqual(
      HOSTS.map(() => [
        "fail",
        expect.stringMatching(/ENOTFOUND|EAI_AGAIN.* It was asked directly\.$/),
        expect.stringMatching(/^Check the address and the network/),
      ]),
    );
  });
});

// Reported: ravsamhq/notify-slack-action#132, wongnai/kube-slack#34 (no proxy for chat), slackapi/node-slack-sdk#1057,
// louislam/uptime-kuma#5685 (a company's authority, and no word about what to do), sentinl/sentinl#280 (no CONNECT to the proxy).
describe("a message to a chat behind that proxy", () => {
  const notify = async (env: Readonly<Record<string, string>>) => {
    const [tested] = parseLines(await stackyard(["notify", "test", "team"], env));
    return Object(tested).channels?.[0];
  };

  it("arrives, by a tunnel to the name of the chat", async () => {
    const sent = await notify({ ...toProxy("ada:secret"), NODE_EXTRA_CA_CERTS: at("ca.pem") });

    expect(sent).toEqual({ channel: "team", outcome: "sent" });
    expect([asked, posted]).toEqual([["chat.corp.test:443"], ["chat.corp.test/services/T1/B1"]]);
  });

  it.each([
    ["the authority is missing", "ada:secret", {}, /certificate.*NODE_EXTRA_CA_CERTS/],
    ["the password is wrong", "ada:wrong", { NODE_EXTRA_CA_CERTS: at("ca.pem") }, /407.*HTTPS_PROXY/],
  ])("is not sent where %s, with what to do and without its secret address", async (_, user, env, reason) => {
    const sent = await notify({ ...toProxy(user), ...env });

    expect(sent).toEqual({ channel: "team", outcome: "failed", reason: expect.stringMatching(reason) });
    expect(sent.reason).not.toMatch(/wrong|secret|T1/);
    expect(posted).toEqual([]);
  });
});
