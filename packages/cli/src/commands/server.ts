import { join } from "node:path";
import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { chooseSharedStore, SHARED_STORE_HINT, type StoreChoice } from "../project/choose-store.ts";
import { type ConfigFile, loadConfigFile } from "../project/config-file.ts";
import { dataDirOf } from "../project/load-executors.ts";
import { failWith } from "../shell/failure.ts";
import type { Output } from "../shell/output.ts";
import { type ApiToken, loadApiTokens } from "../yard/api-tokens.ts";
import { drainArg, parseDrainTimeout } from "../yard/drain-arg.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { publishAddress } from "../yard/publish-address.ts";
import { runUntilSignal } from "../yard/run-until-signal.ts";
import { toServerAddress } from "../yard/server-address.ts";
import { type RunningProcess, startProcess } from "../yard/start-process.ts";
import { createTellReport } from "../yard/tell-report.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard server` */
export const server = defineCommand({
  name: "server",
  summary: "Answer the HTTP API and apply events, for a yard of several processes.",
  description: [
    "Any number of servers and workers share one Postgres (`store` in the configuration, or DATABASE_URL). A server runs no tasks: `stackyard worker` does, or the server itself with --with-worker.",
    "Who may call stands in STACKYARD_API_TOKENS, as name=token, parted by commas, or in the file that STACKYARD_API_TOKENS_FILE names. Without them it asks for the token of the data folder, on addresses of this machine only.",
    "SIGTERM or Ctrl-C lets what runs end, signs off and ends with 0. A second one quits at once with 130.",
  ].join("\n"),
  examples: [
    { command: "stackyard server --host 0.0.0.0", what: "For other machines; put TLS in front of it." },
    { command: "stackyard server --with-worker", what: "Server, engine and tasks in one process; any store." },
  ],
  args: Type.Object({
    port: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 65_535, short: "p", description: "Port; 0 is any free one. Default: 7070." }),
    ),
    host: Type.Optional(Type.String({ minLength: 1, description: "Address to listen on. Default: 127.0.0.1." })),
    noToken: Type.Optional(Type.Boolean({ description: "Ask for no token. On addresses of this machine only." })),
    withWorker: Type.Optional(Type.Boolean({ description: "Run tasks too." })),
    ...drainArg,
    ...projectArg,
  }),
  async run(context, { noToken = false, withWorker = false, drainTimeout, project, ...given }) {
    const { cwd, env, out } = context;
    const drainMs = parseDrainTimeout(drainTimeout);
    const file = await loadConfigFile(cwd, project);
    const { host, port } = toServerAddress(file.config, given);
    const tokens = noToken ? undefined : await findTokens(context, file, host);
    // With tokens from the environment, commands are told the address and the token by their users.
    const isPublished = tokens?.own !== false;
    const running = await startProcess(file, {
      roles: withWorker ? ["engine", "worker"] : ["engine"],
      store: chooseServerStore(file, env, withWorker),
      env,
      drainMs,
      logger: createProcessLogger(context),
      onReport: createTellReport(out),
      serve: {
        host,
        port,
        anonymous: noToken,
        loadTokens: async () => tokens?.load() ?? [],
        ...(isPublished ? { proofDir: dataDirOf(file) } : {}),
      },
    });
    const removeAddress = isPublished ? await publishAddress(dataDirOf(file), running) : () => {};
    tellReady(running, { out, file, withWorker, own: tokens?.own });
    return runUntilSignal(context, running, { drainMs, onEnding: removeAddress });
  },
});

/** The tokens that are asked for, and whether they are the data folder's own. */
interface ServerTokens {
  readonly own: boolean;
  readonly load: () => Promise<readonly ApiToken[]>;
}

async function findTokens({ env }: CommandContext, file: ConfigFile, host: string): Promise<ServerTokens> {
  const { ensureToken, isLoopbackHost } = await import("@stackyard/server");
  const given = await loadApiTokens(env);
  if (given.length > 0) return { own: false, load: async () => given };
  if (isLoopbackHost(host)) {
    return { own: true, load: async () => [{ name: "operator", token: await ensureToken(dataDirOf(file)) }] };
  }
  throw failWith("CONFIG_INVALID", `${host} is reached by other machines, and nobody is named who may call.`, {
    hint: "Set STACKYARD_API_TOKENS=ada=<token>,ci=<another>, or listen on 127.0.0.1. `openssl rand -base64 32` makes a token.",
  });
}

function chooseServerStore(file: ConfigFile, env: CommandContext["env"], withWorker: boolean): StoreChoice {
  const choice = chooseSharedStore(file, env);
  if (choice.kind !== "sqlite" || withWorker) return choice;
  const message =
    "Tasks would run nowhere: the store is SQLite, which is for one process, so no worker can join this server.";
  throw failWith("CONFIG_INVALID", message, { hint: SHARED_STORE_HINT });
}

interface ReadyFacts {
  readonly out: Output;
  readonly file: ConfigFile;
  readonly withWorker: boolean;
  /** Undefined: no token is asked for. */
  readonly own: boolean | undefined;
}

function tellReady({ id, url = "", machinesDir, executors }: RunningProcess, facts: ReadyFacts): void {
  const { out, file, withWorker, own } = facts;
  const tokenFile = own === true ? join(dataDirOf(file), "token") : undefined;
  const ready = { kind: "ready", id, url, ...(tokenFile === undefined ? {} : { tokenFile }), machinesDir, withWorker };
  const token = own === undefined ? "none is asked for" : (tokenFile ?? "those of STACKYARD_API_TOKENS");
  out.result(ready, () =>
    [
      `${out.paint("bold", "Stackyard server")} ${id} is at ${out.paint("cyan", url)}`,
      `token      ${token}`,
      `machines   ${machinesDir}`,
      `tasks      ${withWorker ? [...executors.keys()].join(", ") : "run in `stackyard worker`"}`,
      "Ctrl-C stops.",
    ].join("\n"),
  );
}
