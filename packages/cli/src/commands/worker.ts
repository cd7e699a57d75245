import { Type } from "typebox";
import { type CommandContext, defineCommand } from "../command.ts";
import { chooseSharedStore, SHARED_STORE_HINT, type StoreChoice } from "../project/choose-store.ts";
import { type ConfigFile, loadConfigFile } from "../project/config-file.ts";
import { failWith } from "../shell/failure.ts";
import type { Output } from "../shell/output.ts";
import { drainArg, parseDrainTimeout } from "../yard/drain-arg.ts";
import { type HealthListener, startHealthListener } from "../yard/health-listener.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { runUntilSignal } from "../yard/run-until-signal.ts";
import { toServerAddress, toServerUrl } from "../yard/server-address.ts";
import { DEFAULT_CONCURRENCY, type RunningProcess, startProcess } from "../yard/start-process.ts";
import { createTellReport } from "../yard/tell-report.ts";
import { projectArg } from "./project-arg.ts";

/** `stackyard worker` */
export const worker = defineCommand({
  name: "worker",
  summary: "Run the tasks of a yard whose servers are other processes.",
  description: [
    "Takes tasks out of the Postgres that it shares with `stackyard server` (`store` in the configuration, or DATABASE_URL). Run as many as you need, with the same configuration.",
    "SIGTERM or Ctrl-C: it takes nothing new, lets tasks end for --drain-timeout, then asks them to stop and gives them back to the other workers, signs off and ends with 0. After 5 more minutes it leaves those that have not stopped. A second signal quits at once with 130; its tasks are taken up again when their lease is over.",
  ].join("\n"),
  examples: [
    { command: "stackyard worker --concurrency 4", what: "Four tasks at a time." },
    {
      command: "stackyard worker --drain-timeout 10m --health-port 7071",
      what: "For a service manager or an orchestrator.",
    },
  ],
  args: Type.Object({
    concurrency: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000,
        description: "Tasks at the same time. Default: 8, or `concurrency`.",
      }),
    ),
    url: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          "The servers' address, where Terraform keeps its states. Default: STACKYARD_URL, else `server.url`.",
      }),
    ),
    healthPort: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        description: "Answer /health/live and /health/ready there; 0 is any free one.",
      }),
    ),
    healthHost: Type.Optional(
      Type.String({ minLength: 1, description: "Address for --health-port. Default: 127.0.0.1." }),
    ),
    ...drainArg,
    ...projectArg,
  }),
  async run(context, { concurrency, url, healthPort, healthHost, drainTimeout, project }) {
    const { cwd, env, out } = context;
    const drainMs = parseDrainTimeout(drainTimeout);
    const loaded = await loadConfigFile(cwd, project);
    const file = concurrency === undefined ? loaded : { ...loaded, config: { ...loaded.config, concurrency } };
    let stopping = false;
    const running = await startProcess(file, {
      roles: ["worker"],
      store: chooseWorkerStore(file, env),
      serverUrl: findServerUrl(file, url ?? env["STACKYARD_URL"]),
      env,
      drainMs,
      logger: createProcessLogger(context),
      onReport: createTellReport(out),
    });
    const health = await openHealth(running, { healthPort, healthHost, isStopping: () => stopping });
    tellReady(running, { out, health, concurrency: file.config.concurrency ?? DEFAULT_CONCURRENCY });
    try {
      return await runUntilSignal(context, running, {
        drainMs,
        onEnding() {
          stopping = true;
        },
      });
    } finally {
      await health?.close();
    }
  },
});

function chooseWorkerStore(file: ConfigFile, env: CommandContext["env"]): StoreChoice {
  const choice = chooseSharedStore(file, env);
  if (choice.kind !== "sqlite") return choice;
  const message =
    "A worker shares its store with the servers, and this project's store is SQLite, which is for one process.";
  throw failWith("CONFIG_INVALID", message, { hint: SHARED_STORE_HINT });
}

/** As given, else of the configuration: on one machine nothing need be said. */
function findServerUrl({ config }: ConfigFile, given: string | undefined): string {
  const text = given || config.server?.url || toServerUrl(toServerAddress(config));
  const parsed = URL.parse(text);
  if (parsed !== null && /^https?:$/.test(parsed.protocol)) return parsed.href.replace(/\/$/, "");
  throw failWith("CONFIG_INVALID", `"${text}" is no address of a server.`, {
    hint: "Write one such as https://stackyard.example.org.",
  });
}

interface HealthArgs {
  readonly healthPort: number | undefined;
  readonly healthHost: string | undefined;
  readonly isStopping: () => boolean;
}

async function openHealth(
  running: RunningProcess,
  { healthPort: port, healthHost: host = "127.0.0.1", isStopping }: HealthArgs,
): Promise<HealthListener | undefined> {
  if (port === undefined) return undefined;
  try {
    return await startHealthListener({ host, port, isStopping, check: () => running.check() });
  } catch (error) {
    await running.stop();
    throw error;
  }
}

interface ReadyFacts {
  readonly out: Output;
  readonly health: HealthListener | undefined;
  readonly concurrency: number;
}

function tellReady({ id, executors }: RunningProcess, { out, health, concurrency }: ReadyFacts): void {
  const names = [...executors.keys()];
  const healthUrl = health === undefined ? {} : { healthUrl: health.url };
  out.result({ kind: "ready", id, executors: names, concurrency, ...healthUrl }, () =>
    [
      `${out.paint("bold", "Stackyard worker")} ${id} runs ${concurrency} tasks at a time`,
      `executors  ${names.join(", ")}`,
      ...(health === undefined ? [] : [`health     ${health.url}/health/ready`]),
      "Ctrl-C stops.",
    ].join("\n"),
  );
}
