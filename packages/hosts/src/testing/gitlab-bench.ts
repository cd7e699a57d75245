import { defined, type Logger, type Store } from "@stackyard/core";
import { listHookDeliveries } from "@stackyard/core/services";
import { createGitLabSim, GITLAB_TOKEN } from "@stackyard/host-sim";
import { createHostsBench, NOW, STANDARD_SECRET } from "./hosts-bench.ts";

const DOCUMENT = `host: gitlab
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull: { open: { send: OPENED, metadata: { sha: "\${hook.pull.head}" } }, head: { send: PUSHED, metadata: { sha: "\${hook.pull.head}" } }, closed: { send: CLOSED } }
rules:
  extend: { on: command.extend, send: SEED, metadata: { seconds: "\${hook.args.duration}" } }
  seed: { on: pull.labeled, when: "hook.label == 'seed'", send: SEED }
`;

/** The input of the bench. */
export interface GitLabBenchInput {
  /** Signs deliveries, or is the header's token. */
  readonly secret?: string;
  /** False if the host has no token for lookups. */
  readonly hasToken?: boolean;
  /** The option of that name. */
  readonly pull?: string;
  readonly machine?: string;
  readonly logger?: Logger;
}

/** Creates a simulated GitLab with one project, and a yard that receives its deliveries. */
export async function createGitLabBench({
  secret = STANDARD_SECRET,
  hasToken = true,
  pull = "1m",
  machine,
  logger,
}: GitLabBenchInput = {}) {
  let clock = { now: () => NOW };
  const gitlab = createGitLabSim({ secret, now: () => clock.now() });
  const secrets = [{ env: "SECRET" }, { env: "STANDARD" }];
  const host = { type: "gitlab" as const, secrets, url: gitlab.url };
  const options = { hosts: { gitlab: hasToken ? { ...host, token: { env: "KEY" }, pull } : host } };
  const bench = createHostsBench({
    options,
    appKey: GITLAB_TOKEN,
    document: DOCUMENT,
    fetch: gitlab.fetch,
    ...defined({ logger, machine }),
  });
  clock = bench.clock;
  const statuses: number[] = [];
  return {
    ...bench,
    gitlab,
    statuses,
    /** Starts a process that receives what GitLab sends from now on. */
    start(toStore: (own: Store) => Store = (own) => own) {
      const process = bench.start(toStore);
      gitlab.settings.receiver = async ({ headers, body }) => {
        const { status } = await process.post(body, headers, "/hooks/gitlab");
        statuses.push(status);
        return status;
      };
      return process;
    },
    async listOutcomes() {
      const { items } = await listHookDeliveries({ records: bench.store.records, clock: bench.clock }, { limit: 100 });
      return items.map(({ outcome }) => outcome);
    },
    async stop(): Promise<void> {
      bench.remove();
      await gitlab.stop();
    },
  };
}
