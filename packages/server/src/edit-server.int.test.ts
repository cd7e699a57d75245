import { mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createEditServer, type EditServer } from "./edit-server.ts";

const running: EditServer[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

interface Answer {
  readonly source: string;
  readonly hash: string;
  readonly code: string;
}

async function read(response: Response): Promise<Answer> {
  return (await response.json()) as Answer;
}

async function start(source?: string) {
  const folder = await mkdtemp(join(tmpdir(), "stackyard-edit-"));
  const file = join(folder, "review-app.yaml");
  if (source !== undefined) await writeFile(file, source);
  const server = await createEditServer({ file });
  running.push(server);
  const response = await fetch(server.signInUrl, { redirect: "manual" });
  const cookie = response.headers.get("set-cookie")?.split(";")[0] ?? "";
  const call = (init: RequestInit & { readonly headers?: Record<string, string> } = {}) =>
    fetch(`${server.url}/edit/file`, { ...init, headers: { cookie, ...init.headers } });
  const put = (body: unknown, origin = server.url) =>
    call({ method: "PUT", headers: { "content-type": "application/json", origin }, body: JSON.stringify(body) });
  return { folder, file, server, call, put };
}

describe("the server of the editor", () => {
  it("gives the file to the browser with the code, and writes it back", async () => {
    const { file, call, put } = await start("version: 2\r\n");

    const opened = await read(await call());
    const saved = await put({ source: "version: 1\r\n", expectedHash: opened.hash });

    expect(opened).toMatchObject({ name: "review-app.yaml", source: "version: 2\r\n" });
    expect(saved.status).toBe(200);
    expect(await readFile(file, "utf8")).toBe("version: 1\r\n");
  });

  it("answers a change by another person with their text, and overwrites it only afterwards", async () => {
    const { file, call, put } = await start("a: 1\n");
    const { hash } = await read(await call());
    await writeFile(file, "theirs: 1\n");

    const refused = await put({ source: "mine: 1\n", expectedHash: hash });
    const conflict = await read(refused);
    const saved = await put({ source: "mine: 1\n", expectedHash: conflict.hash });

    expect(refused.status).toBe(409);
    expect(conflict.source).toBe("theirs: 1\n");
    expect([saved.status, await readFile(file, "utf8")]).toEqual([200, "mine: 1\n"]);
  });

  it("creates a file that does not exist yet", async () => {
    const { file, call, put } = await start();
    const opened = await read(await call());

    await put({ source: "new: 1\n", expectedHash: opened.hash });

    expect([opened.source, await readFile(file, "utf8")]).toEqual(["", "new: 1\n"]);
  });

  it("takes a code once", async () => {
    const { server } = await start("a: 1\n");

    const again = await fetch(server.signInUrl, { redirect: "manual" });

    expect(again.status).toBe(401);
    expect((await read(again)).code).toBe("CODE_INVALID");
  });

  it("refuses calls without the cookie, of other pages and under other names", async () => {
    const { server, put } = await start("a: 1\n");

    const anonymous = await fetch(`${server.url}/edit/file`);
    const foreign = await put({ source: "x", expectedHash: "x" }, "https://example.com");
    const wrong = await put("x");

    expect([anonymous.status, foreign.status, wrong.status]).toEqual([401, 403, 400]);
  });

  it("follows no link to another file", async () => {
    const { folder, file, call } = await start();
    await writeFile(join(folder, "secret"), "secret");
    await symlink(join(folder, "secret"), file);

    const response = await call();

    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('"secret"');
  });
});
