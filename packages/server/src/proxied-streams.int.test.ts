import { once } from "node:events";
import { connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { NGINX, startNginx } from "./testing/start-nginx.ts";
import { createTestYard, type TestYard, type TestYardOptions, TOKEN } from "./testing/test-yard.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startYard(options: TestYardOptions = {}): Promise<{ readonly yard: TestYard; readonly url: string }> {
  const yard = createTestYard(options);
  yard.run();
  closers.push(() => yard.stop());
  const { url } = await yard.server.start();
  return { yard, url };
}

async function start(...input: Parameters<typeof startNginx>): Promise<string> {
  const nginx = await startNginx(...input);
  closers.push(() => nginx.stop());
  return nginx.url;
}

/** As nginx forwards by default: buffered, by HTTP/1.0, for 60 s. */
function handOn(url: string, more = ""): string {
  return `location / { proxy_pass ${url}; proxy_set_header Host $http_host; ${more} }`;
}

interface OpenStream {
  readonly response: Response;
  /** Returns what has come as soon as it has the text. */
  read(wanted: string): Promise<string>;
  close(): Promise<void>;
}

async function openStream(url: string, path = "/v1/stream"): Promise<OpenStream> {
  const closing = new AbortController();
  const response = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${TOKEN}`, "accept-encoding": "gzip" },
    signal: AbortSignal.any([closing.signal, AbortSignal.timeout(20_000)]),
  });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  closers.push(() => closing.abort());
  return {
    response,
    async read(wanted) {
      while (!text.includes(wanted)) {
        const part = await reader?.read();
        if (part === undefined || part.done) throw new Error(`The stream ended without ${wanted}.`);
        text += part.value;
      }
      return text;
    },
    close: async () => closing.abort(),
  };
}

async function launch(yard: TestYard, stackId: string): Promise<void> {
  await yard.call("/v1/events", { body: { event: "LAUNCH", stackId, machine: "review-app", id: `launch-${stackId}` } });
}

/** Each event arrives before the next one is sent. */
async function expectLive(yard: TestYard, stream: Pick<OpenStream, "read">): Promise<void> {
  await stream.read("event: ready");
  for (const stackId of ["a", "b", "c"]) {
    await launch(yard, stackId);
    expect(await stream.read(`"stackId":"${stackId}"`)).toContain("event: history");
  }
}

const GZIP = "gzip on; gzip_types *; gzip_min_length 0; gzip_proxied any; gzip_http_version 1.0;";

describe.skipIf(NGINX === undefined)("a stream through a real nginx (skipped where it is not installed)", () => {
  it.each(["/v1/stream", "/v1/watch"])(
    "is live without any setting, %s [nginx#1505, django-eventstream#37, ktor#3993, sse-eventbus#18]",
    async (path) => {
      const { yard, url } = await startYard();

      await expectLive(yard, await openStream(await start(() => [handOn(url)]), path));
    },
  );

  it("is live through two, of which the second sees no X-Accel-Buffering [sourcelens#4, nimbus-eth2#8830]", async () => {
    const { yard, url } = await startYard();
    const proxies = await start((ports) => [handOn(`http://127.0.0.1:${ports[1]}`), handOn(url)]);

    await expectLive(yard, await openStream(proxies));
  });

  it("is live through one that compresses [nginx#1709, tower-http#419, gzip#16, starlette#2753]", async () => {
    const { yard, url } = await startYard();

    await expectLive(yard, await openStream(await start(() => [handOn(url, GZIP)])));
  });

  it("is live through one that compresses, behind one that took X-Accel-Buffering away [fabio#739]", async () => {
    const { yard, url } = await startYard();
    const proxies = await start((ports) => [handOn(`http://127.0.0.1:${ports[1]}`, GZIP), handOn(url)]);

    await expectLive(yard, await openStream(proxies));
  });

  it("is live over HTTP/2, without headers that it forbids [nest#17588, ktor#4581, hologram#1262]", async () => {
    const { yard, url } = await startYard();
    const session = connect(await start(() => [handOn(url)], { options: "http2" }));
    closers.push(() => session.destroy());
    const request = session.request({ ":path": "/v1/stream", authorization: `Bearer ${TOKEN}` });
    const [headers] = await once(request, "response");
    let text = "";
    request.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });

    await expectLive(yard, {
      read: (wanted) =>
        expect
          .poll(() => text)
          .toContain(wanted)
          .then(() => text),
    });

    expect(headers[":status"]).toBe(200);
    const forbidden = ["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"];
    expect(Object.keys(headers).filter((name) => forbidden.includes(name))).toEqual([]);
  });

  it("outlasts the time of silence that is allowed [horizon#424, haproxy#182, WaveHouse#226]", async () => {
    const { yard, url } = await startYard({ limits: { heartbeatMs: 300 } });
    const stream = await openStream(await start(() => [handOn(url, "proxy_read_timeout 1s; send_timeout 1s;")]));
    await stream.read("event: ready");

    await sleep(4_000);

    await expectLive(yard, stream);
  });

  it("begins at once, while nothing happens [litellm#37322, ranger-ims-server#1364]", async () => {
    const { url } = await startYard();
    const proxy = await start(() => [handOn(url, "proxy_read_timeout 2s;")]);

    const { response, read } = await openStream(proxy);

    expect(response.status).toBe(200);
    expect(await read("event: ready")).toContain("retry:");
  });

  it("is not kept for another client by a cache [sse-starlette#104, mdn/content#12085]", async () => {
    const { yard, url } = await startYard();
    const http = "proxy_cache_path FOLDER/cache keys_zone=all:1m;";
    const more = "proxy_cache all; proxy_cache_valid any 10m; proxy_cache_lock on; proxy_cache_min_uses 1;";
    const proxy = await start(() => [handOn(url, more)], { http });
    const first = await openStream(proxy);
    await first.read("event: ready");
    await launch(yard, "early");
    await first.read(`"stackId":"early"`);
    await first.close();

    const second = await openStream(proxy);
    const text = await second.read("event: ready");

    expect(text).not.toContain("early");
    await expectLive(yard, second);
  });

  it("ends on the server when its client is gone [nest#8006, vite#12157, mercure#624, codev#580]", async () => {
    const { yard, url } = await startYard();
    const proxy = await start(() => [handOn(url)]);
    const count = async () => (await yard.call("/metrics")).text();
    const streams = await Promise.all([1, 2, 3].map(() => openStream(proxy)));
    for (const { read } of streams) await read("event: ready");
    expect(await count()).toContain("stackyard_http_streams 3");

    await Promise.all(streams.map(({ close }) => close()));

    await expect.poll(count).toContain("stackyard_http_streams 0");
  });
});

describe("the head of a stream", () => {
  it("asks proxies not to change, compress, keep or hold it [create-react-app#1633, node-http-proxy#921, cloudflared#1496]", async () => {
    const { url } = await startYard();

    const { headers } = (await openStream(url)).response;

    expect(headers.get("cache-control")).toBe("no-store, no-transform");
    expect(headers.get("content-encoding")).toBe("identity");
    expect(headers.get("x-accel-buffering")).toBe("no");
  });

  it("has the plain type, by which proxies know it [cloudflared#262]", async () => {
    const { url } = await startYard();

    expect((await openStream(url)).response.headers.get("content-type")).toBe("text/event-stream");
  });
});
