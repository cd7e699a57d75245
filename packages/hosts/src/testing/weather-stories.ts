// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of mapping documents.
import {
  createFreezableProgram,
  type Decision,
  type Ending,
  type FakeClock,
  findProcess,
  runShared,
  type Sky,
  type Story,
  settlePromises,
  watchStoreOf,
} from "@stackyard/core/testing";
import { watchHost } from "@stackyard/host-sim";
import { toCommit } from "./builders.ts";
import { SHOP } from "./github-bench.ts";
import { createReportBench, type ReportBench } from "./report-bench.ts";

const SECOND_MS = 1_000;
const LOOK_EVERY_MS = 20 * SECOND_MS;
/** Looks after each change: the hosts are compared every five minutes. */
const LOOKS = 18;
const FAIR_EVERY_MS = 5 * 60 * SECOND_MS;
const FAIR_LOOKS = 24;

const DOCUMENT = `host: github
machine: preview
stack: "shop-pr-\${hook.pull.number}"
pull:
  open: { send: OPENED, metadata: { commit: "\${hook.pull.head}" } }
  head: { send: PUSHED, metadata: { commit: "\${hook.pull.head}" } }
  closed: { send: CLOSED }
`;

const toLive = '[{ action: advance, state: LIVE, set: { sha: "${metadata.commit}" } }]';
const MACHINE = `version: 2
revision: follow
events: [OPENED, PUSHED, CLOSED]
metadata: { commit: { type: string }, sha: { type: string } }
states:
  INIT: { on: { OPENED: ${toLive} } }
  LIVE: { on: { PUSHED: ${toLive}, CLOSED: GONE } }
  GONE: { terminal: true }
`;

/** A yard that follows one repository, and its simulated host. */
interface Bench extends ReportBench {
  readonly sky: Sky;
  /** Does what a server does when it is due; another server does it after one was frozen. */
  serve(work: undefined): Promise<void>;
  /** Lets time pass only for a weather that waits: signatures are made in real time. */
  until<Result>(work: Promise<Result>): Promise<Result>;
}

async function open(sky: Sky, document: string): Promise<Bench> {
  const bench = await createReportBench(document, { machine: MACHINE });
  const { clock, github, post } = bench;
  await bench.report();
  let waiting = 0;
  const sleep: FakeClock["sleep"] = async (ms, signal) => {
    const slept = clock.sleep(ms, signal);
    // No one waits for a server that is frozen.
    if (findProcess()?.frozen() !== undefined) return slept;
    waiting += 1;
    await slept.finally(() => {
      waiting -= 1;
    });
  };
  sky.under({ now: clock.now, sleep }, clock.advance);
  watchHost(github, {
    ...sky,
    meet(operation, ...moment) {
      const meet = () => sky.meet(operation, ...moment);
      // Octokit shares the requests for a token between all servers of this process.
      return operation.endsWith("access_tokens") ? runShared(meet) : meet();
    },
  });
  const receive: (typeof github)["settings"]["receiver"] = async ({ headers, body }) => {
    const event = headers["x-github-event"];
    const answer = await sky.meet("delivery.hook", { event }, async () => (await post(body, headers)).status);
    return typeof answer === "number" ? answer : 202;
  };
  github.settings.receiver = receive;
  const serve = createFreezableProgram<undefined, void>(clock, () => {
    const { tick, poll, report } = bench.start((store) => watchStoreOf(store, sky));
    github.settings.receiver = receive;
    return async () => {
      for (const part of [tick, poll, report]) await part().catch(() => undefined);
    };
  });
  async function until<Result>(work: Promise<Result>): Promise<Result> {
    let isOver = false;
    const over = work.finally(() => {
      isOver = true;
    });
    over.catch(() => undefined);
    while (!isOver) {
      if (waiting === 0) await settlePromises();
      else await clock.advance(Math.max(0, (clock.nextWakeAt() ?? clock.now()) - clock.now()));
    }
    return over;
  }
  return { ...bench, sky, serve, until };
}

/** What fails is repeated by the next look. */
async function look({ sky, until, serve, clock }: Bench, everyMs: number): Promise<void> {
  await until(sky.meet("look.server", {}, () => serve(undefined).catch(() => undefined)));
  await clock.advance(everyMs);
}

async function lookOften(bench: Bench, times = LOOKS, everyMs = LOOK_EVERY_MS): Promise<void> {
  for (let count = 0; count < times; count += 1) await look(bench, everyMs);
}

const HEADS = [toCommit(1), toCommit(2)] as const;

/** What the host shows about the pull request. */
function toShown({ reports }: Bench) {
  const comments = reports.comments.filter(({ appId }) => appId !== undefined);
  const newest = reports.checks.findLast(({ set }) => set["head_sha"] === HEADS[1])?.set;
  const active = reports.deployments.filter(({ statuses }) => statuses.at(-1)?.["state"] === "success");
  const made = reports.deployments.map(({ set }) => `deployment of ${String(set["ref"]).slice(0, 1)}`);
  return { comments, check: newest?.["conclusion"], active: active.map(({ set }) => set["ref"]), made };
}

function toBegun({ comments, made }: ReturnType<typeof toShown>): Record<string, number> {
  const counts = Object.entries(Object.groupBy(made, (name) => name)).map(([name, all = []]) => [name, all.length]);
  return { comment: comments.length, ...Object.fromEntries(counts) };
}

/** A commit of an open pull request is deployed, and the host says so. */
async function judgeOpen(bench: Bench): Promise<Ending> {
  const stack = await bench.findStack();
  const shown = toShown(bench);
  const isDeployed = stack?.state === "LIVE" && stack.metadata["sha"] === HEADS[1];
  const isReady = shown.comments.some(({ body }) => body.includes("is ready"));
  const isActive = shown.active.length === 1 && shown.active[0] === HEADS[1];
  return {
    verdict: shown.check === "success" ? "succeeded" : shown.check === undefined ? "unknown" : "failed",
    truth: isDeployed ? "succeeded" : "unfinished",
    said: `${stack?.state}, ${shown.comments[0]?.body.slice(0, 200)}`,
    begun: toBegun(shown),
    ended: stack === undefined ? ["the preview of an open pull request"] : [],
    left: isDeployed ? [] : ["the last commit of an open pull request is not deployed"],
    foreign: [],
    views: {
      check: shown.check === "success" ? "succeeded" : "unfinished",
      comment: isReady ? "succeeded" : "unfinished",
      deployment: isActive ? "succeeded" : "unfinished",
    },
  };
}

/** A pull request is closed: its preview ends, and the host says so. */
async function judgeClosed(bench: Bench): Promise<Ending> {
  const stack = await bench.findStack();
  const shown = toShown(bench);
  const hasEnded = shown.comments.some(({ body }) => body.includes("has ended"));
  return {
    verdict: stack === undefined ? "succeeded" : "unknown",
    truth: "succeeded",
    said: `${stack?.state}, ${shown.comments[0]?.body.slice(0, 200)}`,
    begun: toBegun(shown),
    ended: [],
    left: stack === undefined ? [] : ["the preview of a closed pull request"],
    foreign: [],
    views: {
      // A preview that lived while the host could not be reached needs no comment afterwards.
      comment: shown.comments.length === 0 ? "unknown" : hasEnded ? "succeeded" : "unfinished",
      deployment: shown.active.length === 0 ? "succeeded" : "unfinished",
    },
  };
}

const DELETED: readonly Decision[] = [
  {
    finding: /^gone at GitHub.*comments: views: comment shows unfinished/,
    reason: "A comment that a person has deleted is not written again before the next push after the yard has seen it.",
  },
];

/** Someone opens a pull request, pushes to it, and perhaps closes it. */
function pullStory(name: string, isClosed: boolean): Story {
  const toPlay = (document = DOCUMENT): Story["play"] => {
    return async (sky) => {
      const bench = await open(sky, document);
      const { github, until } = bench;
      try {
        await until(github.openPull(SHOP, { head: HEADS[0] }));
        await lookOften(bench);
        sky.phase("pushed");
        await until(github.push(SHOP, 1, HEADS[1]));
        await lookOften(bench);
        if (isClosed) {
          sky.phase("closed");
          await until(github.closePull(SHOP, 1));
          await lookOften(bench);
        }
        await until(sky.clear());
        await lookOften(bench, FAIR_LOOKS, FAIR_EVERY_MS);
        return await (isClosed ? judgeClosed(bench) : judgeOpen(bench));
      } finally {
        await bench.stop();
      }
    };
  };
  const kind = isClosed ? "closed" : "head";
  const play = toPlay(DOCUMENT.replace(isClosed ? "CLOSED }" : "PUSHED,", isClosed ? "PUSHED }" : "OPENED,"));
  return {
    name,
    play: toPlay(),
    decisions: DELETED,
    planted: [{ bug: `the event of \`${kind}\` is another`, invariant: "left", play }],
  };
}

/** The stories of pull requests and their previews. */
export const hostStories: readonly Story[] = [pullStory("pull-updated", false), pullStory("pull-closed", true)];
