import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Command,
  defined,
  findNearestName,
  isStackyardError,
  type Logger,
  listPages,
  optionalText,
  StackyardError,
  toShellCommand,
} from "@stackyard/core";
import { createCiToken, type Page, Stackyard, type TokenSource } from "@stackyard/sdk";
import {
  createHttpClient,
  createPreviewsApi,
  findServerFault,
  type HttpClient,
  type PreviewsApi,
} from "@stackyard/sdk/commands";
import { type Static, type TObject, Type } from "typebox";
import type { CliCommand, CommandContext } from "../command.ts";
import { failToReach, failWith } from "../failure.ts";
import type { Output } from "../output.ts";
import { dataDirOf, findYard, isAwsYard, loadConfigFile, projectArg } from "../project/config.ts";
import { readVariables } from "../variables.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { findLogin } from "./credentials.ts";
import { setServerDate } from "./server-clock.ts";
import { findIdentityFault, readServerFile, SERVER_FILE } from "./server-file.ts";

/** The context of a command that calls a server. */
export interface ServerContext extends CommandContext {
  readonly yard: Stackyard;
  readonly previews: PreviewsApi;
  /** For what the SDK has no method. Its answers are those of the server, not made for a terminal. */
  readonly http: HttpClient;
}

/** Defines a command that calls a server: adds `--url`, `--token`, `--yard` and `--project` to its arguments. */
export function defineServerCommand<Args extends TObject>(spec: Command<ServerContext, Args>): CliCommand {
  const command: Command<ServerContext> = spec;
  return {
    ...command,
    args: Type.Object({ ...command.args.properties, ...serverArgs }),
    async run(context, { url, token, yard: name, project, ...rest }) {
      const { close, ...server } = await openServer(context, pickTexts({ url, token, yard: name, project }));
      // One retry: a person who types a command should learn soon that the server is down.
      const logger = createProcessLogger(context);
      logger.debug("server found", { url: server.url });
      const logged = createLoggedFetch(logger);
      const shown = context.out.json ? logged : createDisplayFetch(logged);
      const options = { ...server, retries: 1, fetch: shown };
      const previews = createPreviewsApi(createHttpClient(options));
      const http = createHttpClient({ ...options, fetch: logged });
      const serverContext = { ...context, yard: new Stackyard(options), previews, http };
      try {
        return await command.run(serverContext, rest);
      } catch (error) {
        throw await toExplained(error, serverContext, rest["stack"]);
      } finally {
        await close();
      }
    },
  };
}

/** Adds a hint to the error: where the server should be, or which stack was probably meant. */
async function toExplained(error: unknown, context: ServerContext, stack: unknown): Promise<unknown> {
  const placed = withServerAddress(error);
  if (placed !== error) return placed;
  if (!isStackyardError(error, "STACK_UNKNOWN") || typeof stack !== "string" || "hint" in error.details) return error;
  const hint = await adviseUnknownStack(context, stack);
  return failWith("STACK_UNKNOWN", error.message, { hint, cause: error });
}

const PROXY_ALONE =
  "A proxy answers there, but no server behind it does. Run the command again; if this stays, look at the server's service and its log.";

/** The page of a proxy whose server does not answer: a server has a problem in JSON in every answer. */
const PROXY_STATUSES: ReadonlySet<number | undefined> = new Set([502, 503, 504]);

/** Adds the address to an error about the server that should answer there. A command may also call other services. */
export function withServerAddress(error: unknown): unknown {
  const fault = findServerFault(error);
  if (!isStackyardError(error) || fault === undefined) return error;
  const { code, message, cause } = error;
  if (fault.kind === "unreached") return failToReach(fault.url, cause);
  const details = PROXY_STATUSES.has(fault.status) ? { ...error.details, hint: PROXY_ALONE } : error.details;
  return new StackyardError(code, `${message.replace(/\.$/, "")} at ${fault.url}.`, { details, cause: error });
}

/**
 * Wraps `fetch`: takes the server's clock from each response, and logs each request with the response's status; never its
 * headers, which contain the token.
 */
function createLoggedFetch(logger: Logger): typeof fetch {
  return async (input, init) => {
    const startedAt = performance.now();
    const response = await fetch(input, init);
    setServerDate(response.headers.get("date"));
    const { pathname, search } = new URL(input instanceof Request ? input.url : input);
    const ms = Math.round(performance.now() - startedAt);
    logger.debug(`${init?.method ?? "GET"} ${pathname}${search}`, { status: response.status, ms });
    return response;
  };
}

/** Returns the values that are texts. */
export function pickTexts(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** Where a yard's server is, and how to be done with it. */
export interface OpenServer extends FoundServer {
  /** Ends what was started for the command. */
  close(): Promise<void>;
  /** True: the server runs in this process until `close`. */
  readonly isOwn?: true;
}

/**
 * Returns the server of a command. A yard on AWS has none, so one runs in this process until `close`. Throws the errors
 * of `findServer`, and `CONFIG_INVALID` and the errors of AWS for yards.
 */
export async function openServer(
  context: Pick<CommandContext, "cwd" | "env" | "out">,
  given: GivenServer,
): Promise<OpenServer> {
  const name = findYardName(given, context.env);
  if (name === undefined) return { ...(await findServer(context, given)), close: async () => {} };
  const file = await loadConfigFile(context.cwd, given.project);
  const yard = findYard(file, name);
  if (isAwsYard(yard)) {
    const { serveAwsYard } = await import("../yard/aws-yard.ts");
    return { ...(await serveAwsYard({ name, yard }, file, context)), isOwn: true };
  }
  const url = parseUrl(yard.url);
  const token = given.token ?? yard.token ?? readVariables(context.env).STACKYARD_TOKEN;
  return { ...withToken(url, token ?? (await findSignedInToken(context.env, url))), close: async () => {} };
}

/** Returns the yard of flags or environment; an address takes precedence. Throws `USAGE` if both flags are given. */
export function findYardName(given: GivenServer, env: CommandContext["env"]): string | undefined {
  if (given.yard !== undefined && given.url !== undefined) {
    throw failWith("USAGE", "--url and --yard select different servers.", { hint: "Pass only one of them." });
  }
  if (given.yard !== undefined) return given.yard;
  const { STACKYARD_URL, STACKYARD_YARD } = readVariables(env);
  return (given.url ?? STACKYARD_URL) === undefined ? STACKYARD_YARD : undefined;
}

/** Arguments of every command that talks to a server. */
export const serverArgs = {
  url: optionalText("Address of the server. Default: STACKYARD_URL, or that of `stackyard dev`.", { minLength: 1 }),
  token: optionalText(
    "API token. Default: STACKYARD_TOKEN, the CI job's own token, `stackyard login`, or the project's token file.",
    { minLength: 1 },
  ),
  yard: optionalText("A yard of the configuration, instead of --url. Default: STACKYARD_YARD.", {
    minLength: 1,
    placeholder: "name",
    completes: "yard",
  }),
  ...projectArg,
};

/** The flags that select a server. */
export type GivenServer = Static<TObject<typeof serverArgs>>;

/** Where a yard's server is and how to get in. */
interface FoundServer {
  readonly url: string;
  readonly token?: string | TokenSource;
}

/**
 * Returns the server that a command calls: from flags, from the environment, else the one that runs for the project,
 * which must prove its identity before it gets a token. Throws `UNREACHABLE` when none is named and none runs, and
 * `CONFIG_INVALID` for an invalid address.
 */
async function findServer({ cwd, env }: Pick<CommandContext, "cwd" | "env">, given: GivenServer): Promise<FoundServer> {
  const variables = readVariables(env);
  const { url = variables.STACKYARD_URL, token = variables.STACKYARD_TOKEN } = given;
  const loadDataDir = async () => dataDirOf(await loadConfigFile(cwd, given.project));
  if (url === undefined) return findRunningServer(await loadDataDir(), { token, env });
  const address = parseUrl(url);
  const signedIn = token ?? (await findSignedInToken(env, address));
  return withToken(address, signedIn ?? (await findOwnToken(await loadDataDir(), address)));
}

/** Returns the running server of this project, which must prove its identity before it gets a token. */
async function findRunningServer(
  dataDir: string,
  { token, env }: Pick<CommandContext, "env"> & { readonly token: string | undefined },
): Promise<FoundServer> {
  const path = join(dataDir, SERVER_FILE);
  const running = await readServerFile(dataDir);
  if (running === undefined) {
    throw failWith("UNREACHABLE", `No server runs for this project: ${path} is missing.`);
  }
  const address = parseUrl(running.url);
  const own = await findToken(dataDir);
  const fault = await findIdentityFault({ url: address, pid: running.pid }, { secret: own, path });
  if (fault !== undefined) throw fault;
  return withToken(address, token ?? (await findSignedInToken(env, address)) ?? own);
}

/** Returns the token of the CI job, else that of `stackyard login` at this server. */
async function findSignedInToken(env: CommandContext["env"], url: string): Promise<string | TokenSource | undefined> {
  // Jobs have GitHub Actions' variables for other purposes too, and may then test a server on their own machine.
  const isOfJob = readVariables(env).STACKYARD_ID_TOKEN !== undefined || url.startsWith("https:");
  const ofJob = isOfJob ? createCiToken({ url, env }) : undefined;
  return ofJob ?? (await findLogin(env, url, Date.now()))?.token;
}

/**
 * Returns the server that a login is for, and the project's token if the server is the project's own. Throws as
 * `openServer` does; `CONFIG_INVALID` for yards on AWS.
 */
export async function findServerPlace(
  { cwd, env }: Pick<CommandContext, "cwd" | "env">,
  given: GivenServer,
): Promise<{ readonly url: string; readonly ownToken?: string }> {
  const name = findYardName(given, env);
  if (name !== undefined) {
    const yard = findYard(await loadConfigFile(cwd, given.project), name);
    if (!isAwsYard(yard)) return { url: parseUrl(yard.url) };
    throw failWith("CONFIG_INVALID", `The yard "${name}" is on AWS, where IAM decides who may do what.`, {
      hint: "No login is needed: commands use your AWS credentials.",
    });
  }
  const { url = readVariables(env).STACKYARD_URL } = given;
  const dataDir = dataDirOf(await loadConfigFile(cwd, given.project));
  const own = url === undefined ? await findServer({ cwd, env: {} }, given) : { url: parseUrl(url) };
  const ownToken = await findOwnToken(dataDir, own.url);
  return { url: own.url, ...defined({ ownToken }) };
}

/** Returns the project's token only for the project's own server. It is a secret: no other address may get it. */
async function findOwnToken(dataDir: string, address: string): Promise<string | undefined> {
  const running = await readServerFile(dataDir);
  if (running?.url !== address) return undefined;
  const own = await findToken(dataDir);
  const fault = await findIdentityFault(running, { secret: own, path: join(dataDir, SERVER_FILE) });
  return fault === undefined ? own : undefined;
}

function withToken(url: string, token: FoundServer["token"]): FoundServer {
  return { url, ...defined({ token }) };
}

/** Parses the address of a server and removes the trailing slash. Throws `CONFIG_INVALID`. */
function parseUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw failWith("CONFIG_INVALID", `"${text}" is not the address of a server.`, {
      hint: "Use an address such as http://127.0.0.1:7070.",
    });
  }
  return url.href.replace(/\/$/, "");
}

async function findToken(dataDir: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataDir, "token"), "utf8")).trim() || undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Characters that affect layout: controls, line ends, and those that change the direction of text. */
const LAYOUT = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
/** The same except tabs and line ends. */
const LAYOUT_IN_TEXT = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Values that are printed on separate lines, such as the error of a tool. Their further lines are indented. */
const TEXTS: ReadonlySet<string> = new Set(["description", "message", "errorMessage"]);
/** Values that are printed alone and byte for byte. */
const DOCUMENTS: ReadonlySet<string> = new Set(["source"]);
const INDENT = "    ";

/**
 * Returns a `fetch` for commands that print for people: in each JSON response and stream event, names and values become
 * one line, and characters that a terminal interprets are escaped visibly. Anyone who may send an event chooses its
 * name and metadata; printed raw, they could add rows to a table or rewrite the screen. Done where the server's data
 * enters a command, so no template can forget it. With `--json` nothing changes: JSON escapes them.
 */
export function createDisplayFetch(given: typeof fetch): typeof fetch {
  return async (input, init) => {
    const response = await given(input, init);
    const type = response.headers.get("content-type") ?? "";
    if (response.body === null) return response;
    if (/^text\/event-stream\b/.test(type)) return rebuild(response, response.body.pipeThrough(createLineStream()));
    if (!/^application\/([\w.-]+\+)?json\b/.test(type)) return response;
    return rebuild(response, toDisplayedJson(await response.text()));
  };
}

function rebuild(
  { status, statusText, headers }: Response,
  body: string | ReadableStream<Uint8Array<ArrayBuffer>>,
): Response {
  const kept = new Headers(headers);
  kept.delete("content-length");
  kept.delete("content-encoding");
  return new Response(body, { status, statusText, headers: kept });
}

function toDisplayedJson(text: string): string {
  try {
    return JSON.stringify(toDisplayed(JSON.parse(text), ""));
  } catch {
    return text;
  }
}

function toDisplayed(value: unknown, key: string): unknown {
  if (typeof value === "string") return toDisplayedText(value, key);
  if (Array.isArray(value)) return value.map((each) => toDisplayed(each, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [escapeAll(name, LAYOUT), toDisplayed(each, name)]),
  );
}

function toDisplayedText(text: string, key: string): string {
  if (DOCUMENTS.has(key)) return text;
  if (!TEXTS.has(key)) return escapeAll(text, LAYOUT);
  return escapeAll(text.replaceAll("\r\n", "\n"), LAYOUT_IN_TEXT).replaceAll("\n", `\n${INDENT}`);
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escapeAll(text: string, what: RegExp): string {
  return text.replaceAll(what, (sign) => SHORT.get(sign) ?? `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const DATA = /^data: ?/;

/** Creates a stream that rewrites server-sent events (HTML, 9.2): the data of each is one line of JSON. */
function createLineStream(): ReadableWritablePair<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = "";
  const toLine = (line: string) => (DATA.test(line) ? `data: ${toDisplayedJson(line.replace(DATA, ""))}` : line);
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      if (lines.length > 0) controller.enqueue(encoder.encode(lines.map((line) => `${toLine(line)}\n`).join("")));
    },
    flush(controller) {
      if (rest !== "") controller.enqueue(encoder.encode(toLine(rest)));
    },
  });
}

/** Options of reading a list: how much is read, and where damaged rows are reported. */
interface ReadOptions {
  /** Default: they are not reported. */
  readonly out?: Pick<Output, "note">;
  /** Default: the whole list. */
  readonly limit?: number | undefined;
}

/** Loads a page of a list. */
export type LoadPage<Item> = (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<Item>>;

/** Yields the pages of a list until its end or `limit` items. Damaged rows are reported as notes. */
export async function* readPages<Item>(
  load: LoadPage<Item>,
  { out, limit = Number.POSITIVE_INFINITY }: ReadOptions,
): AsyncGenerator<readonly Item[], void> {
  let left = limit;
  for await (const page of listPages((start) => load({ limit: Math.min(left, PAGE), ...start }))) {
    for (const { id, reason } of page.unreadable ?? []) out?.note(`"${id}" is not shown: ${reason}`);
    yield page.items;
    left -= page.items.length;
    if (left <= 0) return;
  }
}

/** Returns all items of the pages, at most `limit`. */
export async function readAll<Item>(load: LoadPage<Item>, options: ReadOptions): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const page of readPages(load, options)) items.push(...page);
  return items;
}

const PAGE = 500;

/** The yard to query. */
interface YardContext {
  readonly yard: Pick<Stackyard, "stacks">;
  readonly signal: AbortSignal;
}

/** Maximum number of stacks that are compared: the advice must not cost more than the command. */
const MAX_STACKS = 1_000;

/** Returns the id of the stack that was probably meant; undefined when none is similar or they cannot be listed. */
export async function findNearestStack({ yard, signal }: YardContext, id: string): Promise<string | undefined> {
  const load: LoadPage<{ readonly id: string }> = (page) => yard.stacks.list({}, { ...page, signal });
  const stacks = await readAll(load, { limit: MAX_STACKS }).catch(() => []);
  const others = stacks.map((stack) => stack.id).filter((other) => other !== id);
  return findNearestName(id, others);
}

/** Returns a hint for an unknown stack: the id that was probably meant, or the command that lists ids or its history. */
export async function adviseUnknownStack(context: YardContext, id: string): Promise<string> {
  const near = await findNearestStack(context, id);
  if (near !== undefined) return `Did you mean "${near}"?`;
  const { yard, signal } = context;
  const past = await yard.stacks.history(id, { limit: 1, signal }).catch(() => undefined);
  if (past === undefined || past.items.length === 0) return "`stackyard stacks ls` lists the stacks.";
  return `\`${toShellCommand`stackyard stacks history ${id}`}\` shows what happened to it.`;
}
