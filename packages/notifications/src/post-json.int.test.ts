import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CHAT_CERTIFICATE, type ChatFault, type ChatSim, startChatSim } from "@stackyard/host-sim";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AddressRefused, createPostJson, type PostJsonDeps } from "./post-json.ts";

let sim: ChatSim;
beforeAll(async () => {
  sim = await startChatSim();
});
afterAll(() => sim.stop());
beforeEach(() => {
  sim.fault = undefined;
});

const loopback = async () => [{ address: "127.0.0.1", family: 4 }];

function post(url: string, allow: readonly string[] = ["127.0.0.0/8"], over: Partial<PostJsonDeps> = {}) {
  const client = createPostJson({ lookUp: loopback, ca: CHAT_CERTIFICATE, timeoutMs: 30_000, ...over });
  return client({ url, body: "{}", allow, signal: new AbortController().signal });
}

const failing = (fault: ChatFault) => {
  sim.fault = () => fault;
};

describe("a request of a channel", () => {
  it("reaches an address of an allowed network, by number and by name", async () => {
    expect((await post(`${sim.url}/webhook`)).status).toBe(204);
    expect((await post(`https://hooks.chat.test:${sim.port}/webhook`)).status).toBe(204);
  });

  it.each([
    ["127.0.0.1", "loopback"],
    ["169.254.169.254", "linkLocal"],
    ["10.1.2.3", "private"],
    ["192.168.0.1", "private"],
    ["100.64.0.1", "carrierGradeNat"],
    ["0.0.0.0", "unspecified"],
    ["[::1]", "loopback"],
    ["[fd00:ec2::254]", "uniqueLocal"],
    ["[fe80::1]", "linkLocal"],
    ["[::ffff:169.254.169.254]", "linkLocal"],
    ["2852039166", "linkLocal"],
    ["[::7f00:1]", "ipv4Compatible"],
    ["[::169.254.169.254]", "ipv4Compatible"],
    ["[::]", "unspecified"],
  ])("is refused to %s (%s)", async (host, range) => {
    const sent = post(`https://${host}:${sim.port}/webhook`, []);

    await expect(sent).rejects.toThrow(AddressRefused);
    await expect(sent).rejects.toThrow(`is not a public address (${range})`);
  });

  it("is refused to a name that resolves to the address of cloud metadata, also among others", async () => {
    const before = sim.requests.length;
    const lookUp = async () => [
      { address: "93.184.216.34", family: 4 },
      { address: "169.254.169.254", family: 4 },
    ];

    const sent = post("https://hooks.chat.test/webhook", [], { lookUp });

    await expect(sent).rejects.toThrow(
      "ADDRESS_REFUSED: hooks.chat.test (169.254.169.254) is not a public address (linkLocal)",
    );
    expect(sim.requests.length).toBe(before);
  });

  it("connects to the address that was checked, not to what the name resolves to next", async () => {
    let looked = 0;
    const lookUp = async () => {
      looked += 1;
      return [{ address: looked === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }];
    };

    expect((await post(`https://hooks.chat.test:${sim.port}/webhook`, ["127.0.0.0/8"], { lookUp })).status).toBe(204);
    expect(looked).toBe(1);
  });

  it("does not follow redirects, nor goes over http", async () => {
    failing({ kind: "answer", status: 307, headers: { location: "https://169.254.169.254/" } });

    expect((await post(`${sim.url}/webhook`)).status).toBe(307);
    await expect(post(`http://127.0.0.1:${sim.port}/webhook`)).rejects.toThrow("begins with https://");
  });

  it("does not trust an unknown certificate", async () => {
    await expect(post(`${sim.url}/webhook`, undefined, { ca: undefined })).rejects.toThrow(/self-signed/);
  });

  it("ends when no answer comes, and reads only the beginning of a long one", async () => {
    failing({ kind: "hang" });
    await expect(post(`${sim.url}/webhook`, undefined, { timeoutMs: 200 })).rejects.toThrow(/timeout/);
    failing({ kind: "huge" });

    const answer = await post(`${sim.url}/webhook`, undefined, { timeoutMs: 30_000 });

    expect([answer.status, answer.text.length]).toEqual([200, 65_536]);
  });

  it("returns how long the service asks to wait, at most an hour", async () => {
    failing({ kind: "answer", status: 429, headers: { "retry-after": "30" } });
    const asked = await post(`${sim.url}/webhook`);
    failing({ kind: "answer", status: 429, headers: { "retry-after": "9999999" } });
    const long = await post(`${sim.url}/webhook`);
    failing({ kind: "answer", status: 429, headers: { "retry-after": "soon" } });
    const odd = await post(`${sim.url}/webhook`);
    failing({ kind: "answer", status: 429, headers: { "retry-after": new Date(Date.now() + 600_000).toUTCString() } });
    const { retryAfterMs: dated = 0 } = await post(`${sim.url}/webhook`);

    expect([asked, long, odd].map(({ retryAfterMs }) => retryAfterMs)).toEqual([30_000, 3_600_000, undefined]);
    expect(Math.round(dated / 60_000)).toBe(10);
  });

  it("goes through the proxy of the environment, which resolves the name, unless NO_PROXY has it", async () => {
    const asked: string[] = [];
    const proxy = createServer().on("connect", ({ url = "" }, socket) => {
      asked.push(url);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const { port } = proxy.address() as AddressInfo;
    const environment = { HTTPS_PROXY: `http://127.0.0.1:${port}`, NODE_USE_ENV_PROXY: "1" };
    const exempt = { ...environment, NO_PROXY: ".chat.test" };

    await expect(post("https://hooks.chat.test/webhook", [], { environment })).rejects.toThrow();
    const direct = await post(`https://hooks.chat.test:${sim.port}/webhook`, undefined, { environment: exempt });
    await expect(post("https://169.254.169.254/webhook", [], { environment })).rejects.toThrow(AddressRefused);
    proxy.close();

    expect([asked, direct.status]).toEqual([["hooks.chat.test:443"], 204]);
  });

  it("does not quote an address that is not a URL, which may be a secret", async () => {
    await expect(post("secret-token")).rejects.toThrow(/^The address of a channel is not a URL\.$/);
  });
});
