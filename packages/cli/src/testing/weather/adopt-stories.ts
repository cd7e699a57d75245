import type { Decision, Ending, Story } from "@stackyard/core/testing";
import { type AdoptPlace, type AdoptRun, type AdoptView, createAdoptYard } from "./adopt-yard.ts";

const MINUTE_MS = 60_000;
/** After a weather of twenty minutes. */
const TRY_EVERY_MS = 30 * MINUTE_MS;
const MOST_TRIES = 3;
const FAIR_MS = 2 * 60 * MINUTE_MS;

/** One run of the command, and the facts about each stack before and after it. */
interface Tried {
  readonly stacks: readonly string[];
  readonly run: AdoptRun;
  readonly before: readonly AdoptView[];
  readonly after: readonly AdoptView[];
}

function toPlay(place: AdoptPlace): Story["play"] {
  return async (sky) => {
    const { yard, from, adopt, look } = await createAdoptYard(sky, place);
    const { stacks = ["shop"] } = place;
    const lookAtAll = () => Promise.all(stacks.map((stack) => look(stack)));
    const tried: Tried[] = [];
    const attempt = async () => {
      const before = await lookAtAll();
      const run = await adopt();
      tried.push({ stacks, run, before, after: await lookAtAll() });
      return run;
    };
    // A person repeats what has failed.
    for (let run = await attempt(); run.exitCode !== 0 && tried.length < MOST_TRIES; run = await attempt()) {
      await yard.advance(TRY_EVERY_MS);
      sky.phase("again");
    }
    await sky.clear();
    await yard.advance(FAIR_MS);
    const last = tried.at(-1)?.run;
    const views = await lookAtAll();
    return {
      verdict: last?.exitCode === 0 ? "succeeded" : "failed",
      truth: views.every(({ isCopied, state }) => isCopied && state === "LIVE") ? "succeeded" : "failed",
      said: tried.map(({ run }) => `${run.exitCode} ${Object.values(run.outcomes)} ${run.message}`).join("; "),
      begun: {},
      ended: [],
      left: place.isTaken ? [] : tried.flatMap((each) => listFaults(each, from)),
      foreign: [...new Set(views.flatMap(({ changed }) => changed))],
      views: {},
    };
  };
}

/** Returns what a person is told wrongly, or not told, after one run. */
function listFaults({ stacks, run, before, after }: Tried, from: string): Ending["left"] {
  const { outcomes, message, exitCode, isRefused } = run;
  const isOfWay = /server answered|cannot be re/.test(message);
  const isNamed =
    message.includes(from) || message.includes("127.0.0.1:7070") || (!isOfWay && /\b(shop|blog)\b/.test(message));
  const isOpened = after.some(({ state }, index) => isRefused && state !== before[index]?.state);
  const isCopied = after.some(({ isKept }, index) => isRefused && isKept !== before[index]?.isKept);
  const isRightlyStale = stacks.every(
    (stack, index) => outcomes[stack] !== "stale" || after[index]?.isCopied === false,
  );
  return [
    ...(after.some(({ state, isKept }) => state !== "" && !isKept)
      ? ["a stack that was opened without its state"]
      : []),
    ...(exitCode === 0 || isNamed ? [] : [`a message without an address: ${message}`]),
    ...(message.includes("fault in Stackyard") ? [`a fault of others that is said to be ours: ${message}`] : []),
    ...(/states\.example.* at http:\/\/127/.test(message) ? [`two addresses for one: ${message}`] : []),
    ...(isRightlyStale ? [] : [`a state that is said to be old, and is not: ${message}`]),
    ...(isOpened ? ["a stack that was opened, and is said to be refused"] : []),
    ...(isCopied && !message.includes("yard's state") ? ["a copy of a refused state"] : []),
  ];
}

const lost: Decision = {
  finding: /^(gone|changed) at S3\.GetObject: true: the verdict is failed/,
  reason:
    "A state that someone deletes or replaces while it is copied is not compared again. The yard has its copy, and says so.",
};
const late: Decision = {
  finding: /^written after at (S3|Backend)\.\w+: true: the verdict is succeeded/,
  reason:
    "A lock would be written to the old side, so what writes there after the last look is not seen: the old way is turned off first.",
};
const isLocked = { bug: "the command locks the old backend", invariant: "foreign" } as const;
const bucket: AdoptPlace = { old: "s3", stacks: ["shop", "blog"] };
const isDropped = "the yard does not keep the state";
const report = "carina-rs/carina#2834";

/** The stories of environments that `stackyard adopt` takes over: two from a bucket, one from an HTTP backend, and one whose key is taken. */
export const adoptStories: readonly Story[] = [
  {
    name: "adopt-s3",
    play: toPlay(bucket),
    decisions: [lost, late],
    reported: [
      { report, at: "S3.GetObject#6", weather: "written before" },
      { report, at: "S3.GetObject#8", weather: "written before" },
    ],
    planted: [
      { bug: isDropped, invariant: "true", play: toPlay({ ...bucket, isDropped: true }) },
      { ...isLocked, play: toPlay({ ...bucket, isLocked: true }) },
    ],
  },
  {
    name: "adopt-http",
    play: toPlay({ old: "http" }),
    decisions: [late],
    reported: [{ report, at: "Backend.GET#3", weather: "written before" }],
    planted: [{ bug: isDropped, invariant: "true", play: toPlay({ old: "http", isDropped: true }) }],
  },
  {
    name: "adopt-taken",
    play: toPlay({ old: "http", isTaken: true }),
    planted: [{ bug: isDropped, invariant: "foreign", play: toPlay({ old: "http", isTaken: true, isDropped: true }) }],
  },
];
