import { defined, type Store } from "@stackyard/core";
import { APP_ID, APP_KEY, createHostSim, USER_TOKEN } from "@stackyard/host-sim";
import type { HostOptions, HostsOptions } from "../host-options.ts";
import { type BenchOptions, createHostsBench, NOW, SECRET } from "./hosts-bench.ts";

/** The repository of the bench. */
export const SHOP = "acme/shop";

/** A simulated GitHub with one repository, and a yard whose App is installed in it. */
export type GitHubBench = Awaited<ReturnType<typeof createGitHubBench>>;

/** The options of a bench, in addition to its document. */
export interface GitHubBenchOptions extends Pick<BenchOptions, "machine" | "access" | "logger"> {
  readonly people?: Extract<HostOptions, { type: "github" }>["people"];
  /** True to use a user's token instead of an App. */
  readonly hasToken?: boolean;
  /** The option `pull` of an App. */
  readonly pull?: string;
  /** The option `reports`. */
  readonly reports?: Extract<HostOptions, { type: "github" }>["reports"];
}

/** Creates one, by default with the mapping document of the bench of hosts. */
export async function createGitHubBench(
  document?: string,
  { people, pull, reports, hasToken = false, ...more }: GitHubBenchOptions = {},
) {
  let clock: { now(): number } = { now: () => NOW };
  const github = createHostSim({ secret: SECRET, now: () => clock.now() });
  github.addRepository(SHOP);
  const secrets = [{ env: "SECRET" }];
  const key = { env: "KEY" };
  const host = { type: "github" as const, secrets, url: github.url, ...defined({ people, reports }) };
  const bench = createHostsBench({
    options: {
      hosts: { github: hasToken ? { ...host, token: key } : { ...host, appId: APP_ID, key, ...defined({ pull }) } },
    },
    appKey: hasToken ? USER_TOKEN : APP_KEY,
    fetch: github.fetch,
    ...defined({ document }),
    ...more,
  });
  clock = bench.clock;
  return {
    ...bench,
    github,
    /** Starts a process that receives what GitHub sends from now on. */
    start(toStore: (own: Store) => Store = (own) => own, options?: HostsOptions) {
      const process = bench.start(toStore, options);
      github.settings.receiver = async ({ headers, body }) => (await process.post(body, headers)).status;
      return process;
    },
    async stop(): Promise<void> {
      bench.remove();
      await github.stop();
    },
  };
}
