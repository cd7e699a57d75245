// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import {
  aPull,
  bring,
  bringBack,
  type ChoiceStep,
  end,
  type GeneralStep,
  hasParked,
  move,
  type Oracle,
  type PullStep,
  refuseParked,
  restore,
  type Shown,
  type Step,
  sendAgain,
  toCompared,
  toHead,
  toShown,
} from "./pull-oracle.ts";
import { startServers } from "./pull-servers.ts";
import { createReportBench, type PublishedMessage, type ReportBench } from "./report-bench.ts";

const toDocument = (host: string): string => `host: ${host}
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { commit: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { commit: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
rules:
  sleep: { on: command.sleep, send: SLEEP }
  wake: { on: command.wake, send: WAKE }
`;

const toReaction = (state: string, key: string, value: string): string =>
  `[{ action: advance, state: ${state}, set: { ${key}: "\${metadata.${value}}" } }]`;
const GIVEN = toReaction("REVIEW", "sha", "commit");

/**
 * The old version continues when a plan is rejected or a roll-out fails; one that is stopped has set it again. `pushed`: the
 * rule of heads.
 */
const toMachine = (pushed: string): string => `version: 2
revision: follow
events: { OPENED: {}, PUSHED: ${pushed}, BACK: {}, RESTORE: {}, ABORT: {}, CHECK: {}, SLEEP: {}, WAKE: {}, CLOSED: {} }
metadata: { commit: { type: string }, sha: { type: string }, good: { type: string, default: "" } }
states:
  INIT: { on: { OPENED: ${toReaction("ROLL", "sha", "commit")} } }
  LIVE: { leaving: abandon, on: { PUSHED: ${GIVEN}, BACK: ${GIVEN}, RESTORE: ${toReaction("REVIEW", "sha", "good")}, CHECK: DRIFT, SLEEP: ASLEEP, CLOSED: GONE } }
  REVIEW: { leaving: abandon, tasks: [sign], on: { NEXT: ROLL, FAILED: LIVE, PUSHED: ${GIVEN}, CLOSED: GONE } }
  ROLL: { leaving: abandon, tasks: [up], on: { NEXT: ${toReaction("LIVE", "good", "sha")}, FAILED: LIVE, ABORT: ${toAborted()}, PUSHED: ${GIVEN}, CLOSED: GONE } }
  DRIFT: { leaving: abandon, tasks: [look], on: { NEXT: LIVE, FAILED: LIVE, PUSHED: ${GIVEN}, CLOSED: GONE } }
  ASLEEP: { leaving: abandon, on: { WAKE: LIVE, CLOSED: GONE } }
  GONE: { leaving: cancel, terminal: true }
tasks:
  sign: { executor: approval, config: { from: [managers] } }
  up: { executor: lambda, config: { name: up } }
  look: { executor: lambda, config: { name: look } }
`;

function toAborted(): string {
  const [first = ""] = toReaction("LIVE", "sha", "good").split("]");
  return `${first.replace("{", `{ when: "metadata.good != ''",`)}, { action: advance, state: LIVE }]`;
}

const OPEN = toMachine("{}");
const CLOSED_TO_HEADS = toMachine(`{ allow: "actor.kind == 'person'" }`);

const ADA = { kind: "person", id: "ada", name: "ada", groups: ["managers"] } as const;
/** Who has requested something may not approve it. */
const BEN = { ...ADA, id: "ben", name: "ben" } as const;

/** What a person sends to a stack, or a worker reports. */
const MESSAGES: Readonly<Record<string, PublishedMessage>> = {
  approve: { event: "APPROVE_TASK", task: { name: "sign" }, sender: ADA },
  reject: { event: "REJECT_TASK", task: { name: "sign" }, reason: "Too big.", sender: ADA },
  succeed: { event: "TASK_COMPLETED", task: { name: "up" } },
  fail: { event: "TASK_ERROR", task: { name: "up" }, code: "BOOM" },
  abort: { event: "ABORT" },
  check: { event: "CHECK" },
  look: { event: "TASK_COMPLETED", task: { name: "look" } },
  lookFails: { event: "TASK_ERROR", task: { name: "look" }, code: "BOOM" },
  sleep: { event: "SLEEP" },
  wake: { event: "WAKE" },
};

/** A yard with two open pull requests, and what each must look like. */
export async function openPullWorld() {
  const bench = await createReportBench(toDocument("github"), { machine: OPEN });
  const { github, publish, install } = bench;
  await bench.report();
  const servers = startServers(bench, toDocument);
  const { pass, wait } = servers;
  let isAllowed = true;
  let commits = 2;
  const pulls: Oracle[] = [];

  async function compare(change?: () => void): Promise<void> {
    change?.();
    await wait(5);
    await pass();
    if (isAllowed) pulls.forEach(sendAgain);
  }

  /** Does something at the host; a lost delivery is found by the comparison. */
  async function atHost(isLost: boolean, act: () => Promise<unknown>): Promise<void> {
    github.settings.deliveryFault = isLost ? "vanish" : undefined;
    await act();
    github.settings.deliveryFault = undefined;
    await pass();
    if (isLost) await compare();
  }

  function allow(isNow: boolean): Promise<void> {
    isAllowed = isNow;
    install(isNow ? OPEN : CLOSED_TO_HEADS);
    if (!isNow) pulls.forEach(refuseParked);
    return compare();
  }

  const general: Readonly<Record<GeneralStep["kind"], () => Promise<unknown>>> = {
    forbid: () => allow(false),
    allow: () => allow(true),
    compare: () => compare(),
    async rename() {
      // What is parked is given up in the hour after which the list of repositories is read again.
      if (pulls.some(hasParked)) return;
      servers.renameRepository();
      await wait(65);
      await pass();
    },
    rehost: () => compare(servers.rehost),
    refile: () => compare(servers.refile),
    blind: servers.blind,
    see: servers.see,
    freeze: servers.freeze,
  };

  async function send({ number }: Oracle, message: PublishedMessage | undefined): Promise<void> {
    if (message === undefined) return;
    await publish({ stackId: `shop-pr-${number}`, sender: BEN, ...message }, servers.running());
    await pass();
  }

  const chosen: Readonly<Record<ChoiceStep["kind"], (own: Oracle, choice: number) => Promise<void>>> = {
    async move(own, choice) {
      // What was parked in a sleep would be refused after it.
      if (own.state === "ASLEEP" && !isAllowed) return;
      const name = move(own, choice);
      await send(own, name === undefined ? undefined : MESSAGES[name]);
      if (name === "wake") await compare();
    },
    back: (own, choice) => send(own, toBack(bringBack(own, choice))),
    restore: (own) => send(own, restore(own) ? { event: "RESTORE" } : undefined),
    thaw: ({ number }, choice) => thaw(bench, `shop-pr-${number}`, choice).then(pass),
  };

  async function playOn(own: Oracle, step: PullStep): Promise<void> {
    if ("choice" in step) return chosen[step.kind](own, step.choice);
    if (step.kind === "push") bring(own, ++commits, isAllowed);
    else end(own);
    const [repository, head] = [servers.repository(), toHead(commits)];
    await atHost(step.isLost, () => github[AT_HOST[step.kind]](repository, own.number, head));
  }

  for (const commit of [1, 2]) {
    pulls.push(aPull(await github.openPull(servers.repository(), { head: toHead(commit), labels: [] }), commit));
    await pass();
  }

  return {
    ...bench,
    async play(step: Step): Promise<void> {
      if (!("pull" in step)) return void (await general[step.kind]());
      const own = pulls[step.pull];
      if (own !== undefined && own.state !== "GONE") await playOn(own, step);
    },
    /** What the host shows, and what it must show. */
    compareHost: () => toCompared(servers.sight(), { seen: readHost(bench.reports), expected: toShown(pulls) }),
  };
}

const AT_HOST = { push: "push", close: "closePull" } as const;

function toBack(commit: number | undefined) {
  return commit === undefined ? undefined : { event: "BACK", metadata: { commit: toHead(commit) } };
}

/** A worker that was frozen sends the result of a run that the stack has left. */
async function thaw({ store, clock }: ReportBench, stackId: string, choice: number): Promise<void> {
  const { stack } = (await store.load([stackId]))[0] ?? {};
  const left = stack?.runs.filter(({ entry }) => entry !== stack.entry) ?? [];
  const run = left[choice % left.length];
  if (run === undefined) return;
  const { attemptId, task } = run;
  const result = choice % 2 === 0 ? { event: "TASK_COMPLETED" } : { event: "TASK_ERROR", code: "BOOM" };
  const message = { ...result, stackId, task: { name: task }, dispatchId: attemptId };
  await store.enqueue([{ id: `result:${attemptId}`, stackId, origin: "worker", receivedAt: clock.now(), message }]);
}

/** Returns the newest check of each commit, and the commits whose deployment is a success. */
function readHost({ checks, deployments }: Pick<ReportBench["reports"], "checks" | "deployments">): Shown {
  const active = deployments.filter(({ statuses }) => statuses.at(-1)?.["state"] === "success");
  return {
    checks: Object.fromEntries(checks.map(({ set }) => [set["head_sha"], set["conclusion"] ?? set["status"]])),
    active: active.map(({ set }) => String(set["ref"])).toSorted(),
  };
}
