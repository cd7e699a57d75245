import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { lstat, open, readFile, rename, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { basename, dirname, join } from "node:path";
import { createAdaptorServer } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { mountEditor } from "./http/console-pages.ts";
import { listen } from "./http/listen.ts";

/** The machine file to edit. */
export interface EditServerOptions {
  /** The absolute path of the file; it may not exist yet. Without it the editor starts empty. */
  readonly file?: string | undefined;
  /** Default: any free port. */
  readonly port?: number | undefined;
}

/** A running editor. */
export interface EditServer {
  /** The address of the editor, such as `http://127.0.0.1:40001`. */
  readonly url: string;
  /** Signs one browser in, once. */
  readonly signInUrl: string;
  /** Closes the server and all its connections. */
  stop(): Promise<void>;
}

const COOKIE = "stackyard-edit";
const MAX_BYTES = 1_048_576;
const HOST = "127.0.0.1";

/**
 * Serves the editor of machines on loopback, without a yard. It reads and writes one file and no other, for the browser that
 * came with the one-time code. A file that was changed meanwhile is not overwritten.
 *
 * @throws StackyardError `CONFIG_INVALID` when the port is taken.
 */
export async function createEditServer({ file, port = 0 }: EditServerOptions): Promise<EditServer> {
  const app = new Hono();
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false });
  const session = randomBytes(32).toString("base64url");
  let code: string | undefined = randomBytes(24).toString("base64url");
  const origins = () => {
    const { port: bound } = server.address() as AddressInfo;
    return [`http://${HOST}:${bound}`, `http://localhost:${bound}`];
  };
  // A name that leads here by DNS is not this host.
  app.use(async (c, next) => {
    const host = c.req.header("host") ?? "";
    if (!origins().includes(`http://${host}`))
      return problem(c, 403, "HOST_FOREIGN", "Unknown host. Open the printed address.");
    return next();
  });
  app.get("/", async (c, next) => {
    const given = c.req.query("code");
    if (given === undefined) return next();
    if (code === undefined || !isSame(given, code)) {
      return problem(c, 401, "CODE_INVALID", "The code was used already or is wrong. Run stackyard edit again.");
    }
    code = undefined;
    c.header("set-cookie", `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/`);
    return c.redirect("/", 303);
  });
  app.use("/edit/*", async (c, next) => {
    if (!isSame(readCookie(c), session))
      return problem(c, 401, "UNAUTHORIZED", "Open the address that stackyard edit prints.");
    const origin = c.req.header("origin");
    if (origin === undefined ? c.req.method !== "GET" : !origins().includes(origin)) {
      return problem(c, 403, "ORIGIN_FOREIGN", "Only the editor's own page may do this.");
    }
    return next();
  });
  if (file !== undefined) mountFile(app, file);
  mountEditor(app);
  await listen(server, HOST, port);
  const [url = ""] = origins();
  return {
    url,
    signInUrl: `${url}/?code=${code}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}

function mountFile(app: Hono, file: string): void {
  app.get("/edit/file", async (c) => c.json({ name: basename(file), ...toVersion(await readSource(file)) }));
  app.put("/edit/file", async (c) => {
    const input = await readInput(c);
    if (input === undefined) {
      return problem(c, 400, "REQUEST_INVALID", "Send JSON with source and expectedHash, at most 1 MiB.");
    }
    const present = toVersion(await readSource(file));
    if (present.hash !== input.expectedHash)
      return c.json({ ...present, detail: "The file was changed meanwhile." }, 409);
    await replace(file, input.source);
    return c.json({ name: basename(file), ...toVersion(input.source) });
  });
  app.onError((error, c) => problem(c, 500, "FILE_FAILED", error.message));
}

function problem(c: Context, status: 400 | 401 | 403 | 500, code: string, detail: string): Response {
  return c.json({ status, code, detail }, status);
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash("sha256", given, "buffer"), hash("sha256", expected, "buffer"));
}

function readCookie(c: Context): string {
  const parts = (c.req.header("cookie") ?? "").split(";").map((part) => part.trim());
  return parts.find((part) => part.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? "";
}

function toVersion(source: string): { readonly source: string; readonly hash: string } {
  return { source, hash: hash("sha256", source) };
}

async function readSource(file: string): Promise<string> {
  try {
    const stats = await lstat(file);
    if (!stats.isFile()) throw new Error(`${file} is not a regular file.`);
    if (stats.size > MAX_BYTES) throw new Error(`${file} has more than 1 MiB.`);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(await readFile(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

interface Input {
  readonly source: string;
  readonly expectedHash: string;
}

async function readInput(c: Context): Promise<Input | undefined> {
  if (!c.req.header("content-type")?.startsWith("application/json")) return undefined;
  if (Number(c.req.header("content-length") ?? Number.POSITIVE_INFINITY) > 2 * MAX_BYTES) return undefined;
  const body: unknown = await c.req.json().catch(() => undefined);
  if (typeof body !== "object" || body === null) return undefined;
  const { source, expectedHash } = body as Partial<Input>;
  if (typeof source !== "string" || typeof expectedHash !== "string") return undefined;
  return Buffer.byteLength(source) > MAX_BYTES ? undefined : { source, expectedHash };
}

/** Replaces the file atomically: a crash leaves the old one. */
async function replace(file: string, source: string): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString("hex")}`);
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(source);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
