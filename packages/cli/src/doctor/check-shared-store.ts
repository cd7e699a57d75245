import { type Store, silentLogger } from "@stackyard/core";
import { loadLiveProcesses } from "@stackyard/core/engine";
import type { StoreChoice } from "../project/choose-store.ts";
import { openStore } from "../project/open-store.ts";
import { type Finding, failOf, ok, warn } from "./finding.ts";

/** What to look at, and how to get there. */
export interface SharedStoreInput {
  readonly projectDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Executors that the project's machines use. */
  readonly used: ReadonlySet<string>;
}

type YardProcess = Awaited<ReturnType<typeof loadLiveProcesses>>[number];

/** Looks at a store that several processes share, without bringing it up to date, and at who works on it. */
export async function checkSharedStore(
  choice: StoreChoice & { readonly kind: "package" },
  { projectDir, env, used }: SharedStoreInput,
): Promise<readonly Finding[]> {
  let store: Store | undefined;
  try {
    store = await openStore(choice, { projectDir, env, logger: silentLogger, migrate: false });
    const { stacks, setAsideEvents } = await store.queries.stats();
    const live = await loadLiveProcesses(store.records, Date.now());
    const found = ok("store", `${choice.name}: ${stacks} stacks, ${setAsideEvents} events set aside.`);
    return [found, ...judgeProcesses(live, used)];
  } catch (error) {
    return [failOf("store", error, "Check the connection: DATABASE_URL, or the options of `store`.")];
  } finally {
    await store?.close();
  }
}

/** What the list of a yard's processes tells: who is missing, and which versions run side by side. */
export function judgeProcesses(processes: readonly YardProcess[], used: ReadonlySet<string>): readonly Finding[] {
  const engines = processes.filter(({ roles }) => roles.includes("engine"));
  const workers = processes.filter(({ roles }) => roles.includes("worker") && !roles.includes("engine"));
  const versions = [...new Set(processes.map(({ version }) => version))].sort();
  const offered = new Set(processes.flatMap(({ executors }) => executors));
  const missing = [...used].filter((name) => !offered.has(name)).sort();
  const counts = `${tellCount(engines, "server")}, ${tellCount(workers, "worker")}`;
  return [
    ...(engines.length === 0
      ? [warn("processes", `${counts}: nobody applies events.`, "Start `stackyard server`.")]
      : [ok("processes", `${counts}, version ${versions.join(" and ")}.`)]),
    ...(missing.length === 0
      ? []
      : [
          warn(
            "workers",
            `Nobody runs tasks of ${missing.join(", ")}: they wait.`,
            "Start `stackyard worker`, with the plugins that bring these executors.",
          ),
        ]),
    ...(versions.length < 2
      ? []
      : [
          warn(
            "versions",
            `${versions.join(" and ")} run side by side.`,
            "End the upgrade: `stackyard ps` shows who is old.",
          ),
        ]),
  ];
}

function tellCount({ length }: readonly unknown[], noun: string): string {
  return `${length} ${noun}${length === 1 ? "" : "s"}`;
}
