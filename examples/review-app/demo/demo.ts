import { setTimeout } from "node:timers/promises";
import { type HistoryEntry, Stackyard } from "@stackyard/sdk";
import { type Check, loadChecks } from "./checks.ts";
import { type ControlPlane, createControlPlane, type TaskReport } from "./control-plane.ts";
import { createFeed, type Feed } from "./feed.ts";
import { createOperator } from "./operator.ts";
import { type DemoProject, findFreePort } from "./project.ts";
import type { ReviewApp } from "./review-app-events.ts";
import { playStory, WAIT_MS } from "./story.ts";
import type { Timeline } from "./timeline.ts";

export interface DemoInput {
  readonly place: DemoProject;
  readonly timeline: Timeline;
  readonly withTerraform: boolean;
  readonly kills: readonly number[];
  /** Ctrl-C. */
  readonly interrupt: AbortSignal;
  /** Called with the results while the control plane still runs. It stops when this resolves. */
  readonly show: (checks: readonly Check[], signInUrl: string) => Promise<void>;
}

/** Runs the story against its own control plane, and shows the results. Always stops what it started. */
export async function runDemo(input: DemoInput): Promise<void> {
  const { place, timeline } = input;
  const failure = new AbortController();
  const giveUp = (reason: string) => failure.abort(new Error(reason));
  const signal = AbortSignal.any([input.interrupt, failure.signal]);
  const reports = createFeed<TaskReport>({ signal, waitMs: WAIT_MS });
  const history = createFeed<HistoryEntry>({ signal, waitMs: WAIT_MS });
  const plane = createControlPlane(
    { project: place.project, port: await findFreePort() },
    {
      onReady: ({ pid, starts }) => {
        const again = starts === 1 ? `${plane.url}, a SQLite store in a folder` : "again, over the same folder";
        timeline.say(`the control plane runs: process ${pid}, ${again}`);
      },
      onReport(report) {
        timeline.report(report);
        reports.push(report);
      },
      onDeath: (how) => timeline.warn(`the control plane ${how}; it is started again`),
      onGiveUp: giveUp,
    },
  );
  const ended = new AbortController();
  try {
    const token = await Promise.race([plane.start(), rejectOn(signal)]);
    const server = { url: plane.url, token };
    // A program does not have to know about a crash of the control plane: calls are retried.
    const yard = new Stackyard<ReviewApp>({ ...server, retries: 30 });
    const watching = watch(yard, { history, timeline, giveUp, signal: AbortSignal.any([signal, ended.signal]) });
    const killing = killLater(plane, input, AbortSignal.any([signal, ended.signal]));
    const { expectations, sent } = await playStory({
      yard,
      timeline,
      signal,
      history,
      reports,
      machine: place.machine,
      folder: place.environments,
      killEverything: () => killEverything(plane, timeline, "halfway"),
    });
    const checks = await loadChecks({ ...input, ...place, yard, server, expectations, sent });
    ended.abort();
    await Promise.all([watching, killing]);
    await input.show(checks, plane.signInUrl());
  } catch (error) {
    // The reason for giving up is more useful than the error of the aborted call.
    throw failure.signal.aborted ? failure.signal.reason : error;
  } finally {
    ended.abort();
    await plane.stop();
  }
}

interface WatchInput {
  readonly history: Feed<HistoryEntry>;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
  giveUp(reason: string): void;
}

/** Prints the yard's history as it grows, across all crashes. */
async function watch(yard: Stackyard<ReviewApp>, { history, timeline, signal, giveUp }: WatchInput): Promise<void> {
  const operate = createOperator(yard, { timeline, giveUp });
  for await (const entry of yard.watch({ since: 0, signal })) {
    timeline.entry(entry);
    history.push(entry);
    operate(entry).catch((error: unknown) => timeline.warn(`the retry failed: ${String(error)}`));
  }
}

async function killLater(plane: ControlPlane, { kills, timeline }: DemoInput, signal: AbortSignal): Promise<void> {
  const startedAt = Date.now();
  for (const afterMs of kills.toSorted((a, b) => a - b)) {
    try {
      await setTimeout(Math.max(0, startedAt + afterMs - Date.now()), undefined, { signal });
    } catch {
      return;
    }
    await killEverything(plane, timeline, `${afterMs} ms after the start`);
  }
}

async function killEverything(plane: ControlPlane, timeline: Timeline, when: string): Promise<void> {
  const below = await plane.kill();
  const names = [...Map.groupBy(below, ({ name }) => name)].map(([name, { length }]) => `${length} × ${name}`);
  timeline.warn(`kill -9, ${when}: the control plane${names.length === 0 ? "" : ` and ${names.join(", ")}`}`);
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
