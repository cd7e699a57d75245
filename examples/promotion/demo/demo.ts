import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Stackyard } from "@stackyard/sdk";
import type { Check } from "stackyard-example-review-app/checks";
import { createControlPlane } from "stackyard-example-review-app/control-plane";
import { findFreePort } from "stackyard-example-review-app/project";
import { createReviewer } from "stackyard-example-review-app/reviewer";
import type { Timeline } from "stackyard-example-review-app/timeline";
import { createWaiting } from "stackyard-example-review-app/waiting";
import { loadChecks } from "./checks.ts";
import { playStory } from "./story.ts";

/** A server that still runs. */
export interface Door {
  /** Returns an address that signs in once. */
  findSignIn(): Promise<string>;
}

export interface DemoInput {
  readonly timeline: Timeline;
  readonly withTerraform: boolean;
  /** Ctrl-C. */
  readonly interrupt: AbortSignal;
  /** Called with the results while the server still runs. It stops when this resolves. */
  readonly show: (checks: readonly Check[], door: Door) => Promise<void>;
}

/** Plays the story in a folder of its own, and shows what was found. Always stops and removes what it made. */
export async function runDemo({ timeline, withTerraform, interrupt, show }: DemoInput): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  try {
    const root = await mkdtemp(join(tmpdir(), "stackyard-promotion-"));
    cleanUps.unshift(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));
    const project = await createProject(root, withTerraform);
    const folder = join(root, "environments");
    await mkdir(folder);
    const failure = new AbortController();
    const waiting = createWaiting(AbortSignal.any([interrupt, failure.signal]));
    const environment = { TF_VAR_folder: folder, APP_MS: "100" };
    const words = ["--groups", "release-managers"];
    const plane = createControlPlane(
      { project, port: await findFreePort(), words, environment },
      {
        onReady: ({ pid }) => timeline.say(`the server runs: process ${pid}, a SQLite store in a folder`),
        onReport: () => undefined,
        onDeath: (how) => timeline.warn(`the server ${how}; it is started again`),
        onGiveUp: (reason) => failure.abort(new Error(reason)),
      },
    );
    cleanUps.unshift(() => plane.stop());
    const token = await waiting.race(plane.start());
    const server = { url: plane.url, token };
    const yard = new Stackyard({ ...server, retries: 30 });
    const place = { yard, folder, server, withTerraform };
    const story = playStory({ ...place, plane, timeline, waiting, reviewer: createReviewer(plane) });
    const observed = await story.catch(async (error: unknown) => {
      if (!interrupt.aborted) await printReleases(yard, timeline);
      throw error;
    });
    await show([...observed, ...(await loadChecks(place))], { findSignIn: () => findSignIn(server) });
  } finally {
    for (const cleanUp of cleanUps) await cleanUp();
  }
}

/** Prints where each release is, when the story cannot continue. */
async function printReleases(yard: Stackyard, timeline: Timeline): Promise<void> {
  for (const { id } of (await yard.stacks.list({ machine: "shop-release" })).items) {
    const { state, tasks } = await yard.stacks.get(id);
    const open = tasks.filter(({ status }) => status !== "SATISFIED");
    timeline.warn([`${id} is in ${state}`, ...open.map(({ name, why }) => `${name}: ${why}`)].join("; "));
  }
}

/** Asks the server for a code, as `stackyard console` does. */
async function findSignIn({ url, token }: { readonly url: string; readonly token: string }): Promise<string> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const response = await fetch(`${url}/auth/local`, { method: "POST", headers, body: "{}" });
  const answer: unknown = await response.json();
  return typeof answer === "object" && answer !== null && "url" in answer ? String(answer.url) : url;
}

/** Copies the example; the packages that its configuration names are found as they are in this clone. */
async function createProject(root: string, withTerraform: boolean): Promise<string> {
  const project = join(root, "project");
  await mkdir(project);
  const example = new URL("../", import.meta.url);
  for (const name of ["stackyard.config.ts", "machines", "terraform", "functions"]) {
    await cp(fileURLToPath(new URL(name, example)), join(project, name), { recursive: true });
  }
  const replaced = withTerraform ? ["shop-release.yaml"] : ["shop-release.yaml", "shop.yaml"];
  for (const name of replaced) {
    await cp(fileURLToPath(new URL(`demo/machines/${name}`, example)), join(project, "machines", name));
  }
  await symlink(fileURLToPath(new URL("../../node_modules", example)), join(project, "node_modules"), "dir");
  return project;
}
