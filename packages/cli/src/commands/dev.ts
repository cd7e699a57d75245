import { join } from "node:path";
import { type HistoryEntry, Stackyard } from "@stackyard/sdk";
import { Type } from "typebox";
import { createDisplayFetch } from "../client/displayed-answers.ts";
import { tellEntry } from "../client/tell-history.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { type RunningDev, startDev } from "../dev/start-dev.ts";
import { type MachineListing, watchMachines } from "../dev/watch-machines.ts";
import { loadConfigFile } from "../project/config-file.ts";
import type { Output } from "../shell/output.ts";
import { tellProblems } from "../shell/tell-problems.ts";
import { createProcessLogger } from "../yard/process-logger.ts";
import { toServerAddress } from "../yard/server-address.ts";
import { createTellReport } from "../yard/tell-report.ts";
import { tellStopping } from "../yard/tell-stopping.ts";
import { projectArg } from "./project-arg.ts";

// As the help says.
const DRAIN_MS = 10_000;

/** `stackyard dev` */
export const dev = defineCommand({
  name: "dev",
  summary: "Run the project's yard here: server, engine and tasks, in this process.",
  description: [
    "Keeps everything in the data folder, and reads machines again when their files change.",
    "Ctrl-C names the running tasks, lets them end for up to 10 s, then asks them to stop, and ends with 0. After 5 more minutes it leaves them, to be taken up again by the next `dev`. A second Ctrl-C quits at once with 130.",
  ].join("\n"),
  examples: [
    { command: "stackyard dev", what: "On http://127.0.0.1:7070, or as the configuration says." },
    {
      command: "stackyard dev --port 0 --json",
      what: "On a free port; each line an object, the first one tells the address.",
    },
  ],
  args: Type.Object({
    port: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 65_535, short: "p", description: "Port; 0 is any free one. Default: 7070." }),
    ),
    host: Type.Optional(Type.String({ minLength: 1, description: "Address to listen on. Default: 127.0.0.1." })),
    noToken: Type.Optional(Type.Boolean({ description: "Ask for no token. On addresses of this machine only." })),
    ...projectArg,
  }),
  async run(context, { noToken = false, project, ...given }) {
    const { cwd, env, out, signal } = context;
    const file = await loadConfigFile(cwd, project);
    const running = await startDev(file, {
      ...toServerAddress(file.config, given),
      env,
      anonymous: noToken,
      drainMs: DRAIN_MS,
      logger: createProcessLogger(context),
      onReport: createTellReport(out),
    });
    try {
      await follow(context, running, noToken);
    } finally {
      tellStopping(running.running(), DRAIN_MS, out);
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
  tellReady(running, machines, { out, anonymous });
  const watched = watchMachines(running.locator, machines, {
    signal,
    onChange: ({ kind, listing }) => {
      out.result({ kind: "machine", change: kind, ...toMachine(listing) }, () => tellMachine(listing, out, kind));
    },
  });
  const { url, token } = running;
  const yard = new Stackyard({ url, token, fetch: out.json ? fetch : createDisplayFetch(fetch) });
  for await (const entry of yard.watch({ signal })) tellHistory(entry, out);
  await watched;
}

function tellHistory(entry: HistoryEntry, out: Output): void {
  out.result({ kind: "history", ...entry }, () => tellEntry(entry, out));
}

function tellReady(
  { url, dataDir, machinesDir, executors }: RunningDev,
  machines: readonly MachineListing[],
  { out, anonymous }: { readonly out: Output; readonly anonymous: boolean },
): void {
  const tokenFile = anonymous ? undefined : join(dataDir, "token");
  const facts = {
    kind: "ready",
    url,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    dataDir,
    machinesDir,
    executors: [...executors.keys()],
    machines: machines.map(toMachine),
  };
  out.result(facts, () => {
    const none = `  none yet: put one into ${machinesDir}`;
    return [
      `${out.paint("bold", "Stackyard")} is at ${out.paint("cyan", url)}`,
      tokenFile === undefined ? "token      none is asked for" : `token      ${tokenFile}`,
      `executors  ${[...executors.keys()].join(", ")}`,
      "machines",
      ...(machines.length === 0 ? [none] : machines.map((listing) => `  ${tellMachine(listing, out)}`)),
      "Ctrl-C stops.",
    ].join("\n");
  });
}

function tellMachine({ name, origin, located }: MachineListing, out: Output, change = ""): string {
  const status = located.kind === "found" ? out.paint("green", "valid") : out.paint("red", "invalid");
  const problems = located.kind === "unknown" ? [] : located.problems;
  const word = change === "" ? "" : `machine ${change}: `;
  return [`${word}${out.paint("bold", name)}  ${status}  ${origin}`, ...tellProblems(problems, out)].join("\n");
}

function toMachine({ name, origin, located }: MachineListing) {
  const problems = located.kind === "unknown" ? [] : located.problems;
  return { name, origin, valid: located.kind === "found", problems };
}
