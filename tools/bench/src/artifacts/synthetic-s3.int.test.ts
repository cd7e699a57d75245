import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { readSynthetic } from "./synthetic-bytes.ts";
import { createSyntheticS3, SYNTHETIC_BUCKET, toSyntheticKey } from "./synthetic-s3.ts";

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function start(): Promise<string> {
  const server = createSyntheticS3().listen(0, "127.0.0.1");
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

const bytesOf = (from: number, to: number) => Buffer.concat([...readSynthetic(from, to)]);
const readAll = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

describe("the synthetic S3", () => {
  it("makes files and their parts while they are read", async () => {
    const url = `${await start()}/${SYNTHETIC_BUCKET}/${toSyntheticKey(3_000_000)}`;

    const whole = await fetch(url);
    const part = await fetch(url, { headers: { Range: "bytes=1048570-2000000" } });
    const head = await fetch(url, { method: "HEAD" });

    expect((await readAll(whole)).equals(bytesOf(0, 2_999_999))).toBe(true);
    expect((await readAll(part)).equals(bytesOf(1_048_570, 2_000_000))).toBe(true);
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 1048570-2000000/3000000"]);
    expect(head.headers.get("content-length")).toBe("3000000");
  });

  it("drops what is uploaded under such a name", async () => {
    const url = `${await start()}/artifacts/${toSyntheticKey(5)}`;

    const begun = await fetch(`${url}?uploads`, { method: "POST" });
    const part = await fetch(`${url}?partNumber=1&uploadId=u`, { method: "PUT", body: "12345" });
    const completed = await fetch(`${url}?uploadId=u`, { method: "POST", body: "<x/>" });

    expect(await begun.text()).toContain("<UploadId>u</UploadId>");
    expect(part.headers.get("etag")).toMatch(/^"a{32}"$/);
    expect(await completed.text()).toContain("<ETag>");
    expect((await fetch(url)).status).toBe(404);
  });

  it("keeps small objects, on the conditions that writes name", async () => {
    const url = `${await start()}/artifacts/.stackyard/x`;
    const put = (body: string, headers: Record<string, string>) => fetch(url, { method: "PUT", body, headers });

    const first = await put("one", { "If-None-Match": "*" });
    const again = await put("two", { "If-None-Match": "*" });
    const stale = await put("two", { "If-Match": '"0"' });
    const next = await put("two", { "If-Match": first.headers.get("etag") ?? "" });

    expect([first.status, again.status, stale.status, next.status]).toEqual([200, 412, 412, 200]);
    expect(await (await fetch(url)).text()).toBe("two");
    expect((await fetch(url, { method: "DELETE" })).status).toBe(204);
    expect((await fetch(url)).status).toBe(404);
  });
});
