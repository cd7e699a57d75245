import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSource } from "./state-source.ts";

const folder = mkdtempSync(join(tmpdir(), "states "));
const server = createServer((request, response) => {
  response.statusCode = request.url === "/locked" ? 423 : 200;
  if (request.url === "/cut") {
    response.writeHead(200, { "content-length": 1_000 }).write("x");
    setImmediate(() => response.destroy());
    return;
  }
  response.end("x".repeat(1_000));
});
let url = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(join(folder, "a state"), "x".repeat(1_000));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const open = (address: string, maxBytes?: number) =>
  openSource(address, { cwd: folder, env: {}, signal: new AbortController().signal, ...(maxBytes && { maxBytes }) });

describe("the source of a state", () => {
  it.each(["a state", "http"])("is read to its end, and no further than a state can be: %s", async (at) => {
    const address = at === "http" ? `${url}/state` : at;

    expect(await open(address, 1_000).read()).toHaveLength(1_000);
    await expect(open(address, 999).read()).rejects.toThrow(/ has more than 999 bytes/);
  });

  it("reads no endless description of a lock", async () => {
    await expect(open(`${url}/locked`, 999).read()).rejects.toThrow("has more than 999 bytes");
  });

  it.each([
    ["/cut", "other side closed"],
    ["http://127.0.0.1:9/shop", "bad port"],
  ])("names the address from which no state was read, and why: %s", async (at, why) => {
    const address = at.startsWith("/") ? `${url}${at}` : at;

    await expect(open(address).read()).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: `${address} cannot be read: ${why}.`,
    });
  });

  it("says what to do where no TLS connection can be made, as for a server", async () => {
    const address = `${url.replace("http:", "https:")}/shop`;

    await expect(open(address).read()).rejects.toMatchObject({
      message: `${address} cannot be read: wrong version number.`,
      details: { hint: expect.stringContaining("speaks HTTP without TLS") },
    });
  });

  it("is one of the workspaces of a folder, of which many are counted", async () => {
    const names = Array.from({ length: 500 }, (_, index) => `pr-${String(index).padStart(3, "0")}`);
    for (const name of names) mkdirSync(join(folder, "many/terraform.tfstate.d", name), { recursive: true });

    await expect(open("many").read()).rejects.toMatchObject({
      message: `${join(folder, "many")} is a folder.`,
      details: {
        hint: expect.stringMatching(
          /^It has the workspaces pr-000, .*pr-009 and 490 more: name .*pr-000\/terraform\.tfstate\.$/,
        ),
      },
    });
  });

  it("is a file, not a device or a pipe that may never end", async () => {
    await expect(open("/dev/zero").read()).rejects.toThrow("/dev/zero is not a file.");
  });

  it("may be the address of a file, whose characters are escaped", async () => {
    expect(await open(pathToFileURL(join(folder, "a state")).href).read()).toHaveLength(1_000);
  });

  it("never shows the password of an address", () => {
    const address = url.replace("http://", "http://ada:secret@");

    expect(() => open(address)).toThrow(/^(?!.*secret).*contains a user/);
  });
});
