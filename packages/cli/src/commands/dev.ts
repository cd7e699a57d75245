import { join } from "node:path";
import { defineCommand, defined, type Locator, type MachineListing, optionalText } from "@stackyard/core";
import { systemClock } from "@stackyard/core/engine";
import { Stackyard } from "@stackyard/sdk";
import { Type } from "typebox";
import type { CommandContext } from "../command.ts";
import { formatProblems } from "../failure.ts";
import type { Output } from "../output.ts";
import { type ConfigFile, dataDirOf, loadConfigFile, projectArg } from "../project/config.ts";
import { chooseStore } from "../project/store.ts";
import { createDisplayFetch } from "../server/connection.ts";
import { requestLocalUrl } from "../server/sign-in.ts";
import { findUserName } from "../user-name.ts";
import {
  createReportPrinter,
  listenArgs,
  printStopping,
  publishAddress,
  type RunningProcess,
  startProcess,
  toServerAddress,
} from "../yard/process.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { loadClientSecret } from "../yard/settings.ts";
import { formatHistoryEntry } from "./stacks.ts";

// As in the help.
const DRAIN_MS = 10_000;

/** `stackyard dev` */
export const dev = defineCommand({
  name: "dev",
  summary: "Run the project's yard in this process: server, engine and tasks.",
  description: [
    "Keeps all data in the data folder, and reloads machines when their files change.",
    "Ctrl-C lists the running tasks, gives them 10 s to end, then cancels them, and exits with 0. After 5 more minutes it abandons them; the next `dev` continues them. A second Ctrl-C exits immediately with 130.",
  ].join("\n"),
  examples: {
    "stackyard dev": "Listen on http://127.0.0.1:7070, or on the configured address.",
    "stackyard dev --port 0 --json": "Use a free port; each line is a JSON object, and the first contains the address.",
  },
  args: Type.Object({
    ...listenArgs,
    groups: optionalText("Sign in with these groups, to try what grants give them. Default: everything is allowed.", {
      minLength: 1,
      placeholder: "a,b",
    }),
    ...projectArg,
  }),
  async run(context: CommandContext, { noToken = false, groups, project, ...given }) {
    const { cwd, out, signal } = context;
    context.stayAlive?.(createProcessLogger(context));
    const file = await loadConfigFile(cwd, project);
    const running = await startDev(context, file, {
      ...toServerAddress(file.config, given),
      anonymous: noToken,
      yardName: given.yardName,
      groups: groups
        ?.split(",")
        .map((group) => group.trim())
        .filter((group) => group !== ""),
    });
    try {
      await follow(context, running, noToken);
    } finally {
      printStopping(running.running(), DRAIN_MS, out);
      await running.stop();
      out.step({ kind: "stopped" }, () => "Stopped.");
    }
    // Ended by anything but Ctrl-C, `follow` has thrown.
    return signal.aborted ? 0 : 1;
  },
});

/** Shows what happens until Ctrl-C. */
async function follow({ out, signal }: CommandContext, running: RunningDev, anonymous: boolean): Promise<void> {
  const machines = await running.locator.list();
  printReady(running, machines, { out, anonymous });
  const watched = watchMachines(running.locator, machines, {
    signal,
    onChange: ({ kind, listing }) => {
      out.result({ kind: "machine", change: kind, ...toMachine(listing) }, () => formatMachine(listing, out, kind));
    },
  });
  const { url, token } = running;
  const yard = new Stackyard({ url, token, fetch: out.json ? fetch : createDisplayFetch(fetch) });
  for await (const entry of yard.watch({ signal })) {
    out.result({ kind: "history", ...entry }, () => formatHistoryEntry(entry, out));
  }
  await watched;
}

function printReady(
  { url, dataDir, machinesDir, executors, signInUrl }: RunningDev,
  machines: readonly MachineListing[],
  { out, anonymous }: { readonly out: Output; readonly anonymous: boolean },
): void {
  const tokenFile = anonymous ? undefined : join(dataDir, "token");
  const facts = {
    kind: "ready",
    url,
    ...defined({ tokenFile, signInUrl }),
    dataDir,
    machinesDir,
    executors: [...executors.keys()],
    machines: machines.map(toMachine),
  };
  out.result(facts, () => {
    const none = `  none yet: put one into ${machinesDir}`;
    return [
      `${out.paint("bold", "Stackyard")} is at ${out.paint("cyan", url)}`,
      tokenFile === undefined ? "token      not required" : `token      ${tokenFile}`,
      ...(signInUrl === undefined ? [] : [`browser    ${signInUrl}`]),
      `data       ${dataDir}`,
      `executors  ${[...executors.keys()].join(", ")}`,
      "machines",
      ...(machines.length === 0 ? [none] : machines.map((listing) => `  ${formatMachine(listing, out)}`)),
      "Ctrl-C stops.",
    ].join("\n");
  });
}

function formatMachine(listing: MachineListing, out: Output, change = ""): string {
  const { name, origin, valid, problems } = toMachine(listing);
  const status = valid ? out.paint("green", "valid") : out.paint("red", "invalid");
  const word = change === "" ? "" : `Machine file ${change}: `;
  if (change === "removed") return `${word}${out.paint("bold", name)}`;
  return [`${word}${out.paint("bold", name)}  ${status}  ${origin}`, ...formatProblems(problems, out)].join("\n");
}

function toMachine({ name, origin, located }: MachineListing) {
  const problems = located.kind === "unknown" ? [] : located.problems;
  return { name, origin, valid: located.kind === "found", problems };
}

interface DevOptions {
  readonly host: string;
  readonly port: number;
  /** True if everybody on this machine may call the server. */
  readonly anonymous: boolean;
  readonly yardName: string | undefined;
  /** The groups of the person who signs in with the code. Undefined: everything is allowed. */
  readonly groups: readonly string[] | undefined;
}

/** A yard of one process at work, with its server. */
interface RunningDev extends RunningProcess {
  readonly url: string;
  readonly token: string;
  readonly dataDir: string;
  /** Where a browser signs in, once; undefined where no login is needed or possible. */
  readonly signInUrl?: string;
}

/** Starts a project's yard, and leaves its address in the data folder. Throws as `startProcess`. */
async function startDev(
  context: CommandContext,
  file: ConfigFile,
  { host, port, anonymous, yardName, groups }: DevOptions,
): Promise<RunningDev> {
  const { env, out } = context;
  const dataDir = dataDirOf(file);
  let token = "";
  const loadTokens = async () => {
    const { ensureToken } = await import("@stackyard/server");
    token = await ensureToken(dataDir);
    return [{ name: "operator", token }];
  };
  const { isLoopbackHost } = await import("@stackyard/server");
  const local = isLoopbackHost(host) ? { name: findUserName(env), ...defined({ groups }) } : undefined;
  const clientSecret = await loadClientSecret(env);
  const started = await startProcess(file, {
    env,
    logger: createProcessLogger(context),
    onReport: createReportPrinter(out),
    drainMs: DRAIN_MS,
    roles: ["engine", "worker"],
    store: chooseStore(file),
    serve: { host, port, anonymous, loadTokens, proofDir: dataDir, isEditable: true, local, clientSecret, yardName },
  });
  const { url = "" } = started;
  const removeAddress = await publishAddress(dataDir, started);
  const signInUrl =
    local === undefined || anonymous ? undefined : await requestLocalUrl(url, token, { name: findUserName(env) });
  return {
    ...started,
    url,
    token,
    dataDir,
    ...defined({ signInUrl }),
    async stop() {
      removeAddress();
      await started.stop();
    },
  };
}

/** A change of a machine's file since the last look. */
interface MachineChange {
  readonly kind: "added" | "changed" | "removed";
  readonly listing: MachineListing;
}

const EVERY_MS = 1_000;

/** Reports each change of the machines until the signal is aborted. Unreadable files are read again. */
async function watchMachines(
  locator: Locator,
  first: readonly MachineListing[],
  { signal, onChange }: { readonly signal: AbortSignal; readonly onChange: (change: MachineChange) => void },
): Promise<void> {
  let known = first;
  while (!signal.aborted) {
    await systemClock.sleep(EVERY_MS, signal);
    if (signal.aborted) return;
    const now = await locator.list().catch(() => known);
    for (const change of toChanges(known, now)) onChange(change);
    known = now;
  }
}

/** Returns the differences between two lists. */
export function toChanges(
  before: readonly MachineListing[],
  after: readonly MachineListing[],
): readonly MachineChange[] {
  const old = new Map(before.map((listing) => [listing.name, listing]));
  const names = new Set(after.map(({ name }) => name));
  const present = after.flatMap((listing): readonly MachineChange[] => {
    const last = old.get(listing.name);
    if (last === undefined) return [{ kind: "added", listing }];
    return toStamp(last) === toStamp(listing) ? [] : [{ kind: "changed", listing }];
  });
  const gone = before.filter(({ name }) => !names.has(name));
  return [...present, ...gone.map((listing) => ({ kind: "removed", listing }) as const)];
}

function toStamp({ located, origin }: MachineListing): string {
  if (located.kind === "found") return `${origin} ${located.revision.hash}`;
  return `${origin} ${JSON.stringify(located)}`;
}
