import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { APP_ID, APP_KEY, type HostSim, startHostSim } from "@stackyard/host-sim";
import { Stackyard } from "@stackyard/sdk";
import { createHttpClient, createPreviewsApi } from "@stackyard/sdk/commands";
import { startFileProvider } from "@stackyard/tf-provider";
import type { Check } from "stackyard-example-review-app/checks";
import { type ControlPlane, createControlPlane } from "stackyard-example-review-app/control-plane";
import { findFreePort } from "stackyard-example-review-app/project";
import { createReviewer } from "stackyard-example-review-app/reviewer";
import type { Timeline } from "stackyard-example-review-app/timeline";
import { createWaiting } from "stackyard-example-review-app/waiting";
import { startAccount } from "./account.ts";
import { loadChecks } from "./checks.ts";
import { playStory, REPOSITORY } from "./story.ts";

export interface DemoInput {
  readonly timeline: Timeline;
  readonly withTerraform: boolean;
  /** Ctrl-C. */
  readonly interrupt: AbortSignal;
  /** Called with the results while the server still runs. It stops when this resolves. */
  readonly show: (checks: readonly Check[], signInUrl: string) => Promise<void>;
}

/** Plays the story in a folder of its own, and shows what was found. Always stops and removes what it made. */
export async function runDemo({ timeline, withTerraform, interrupt, show }: DemoInput): Promise<void> {
  const cleanUps: (() => unknown)[] = [];
  try {
    const root = await mkdtemp(join(tmpdir(), "stackyard-previews-"));
    cleanUps.unshift(() => rm(root, { recursive: true, force: true, maxRetries: 3 }));
    const project = await createProject(root, withTerraform);
    const secret = randomBytes(32).toString("hex");
    const github = await startHostSim({ secret, now: Date.now });
    cleanUps.unshift(() => github.stop());
    const folder = join(root, "previews");
    const provider = await startFileProvider({ folder });
    cleanUps.unshift(() => provider.stop());
    const account = await startAccount();
    cleanUps.unshift(() => account.stop());
    const failure = new AbortController();
    const signal = AbortSignal.any([interrupt, failure.signal]);
    const waiting = createWaiting(signal);
    const environment = {
      ...provider.environment,
      ...account.environment,
      PREVIEWS_FOLDER: folder,
      GITHUB_URL: github.url,
      GITHUB_APP_ID: String(APP_ID),
      GITHUB_APP_KEY: APP_KEY,
      GITHUB_WEBHOOK_SECRET: secret,
    };
    const plane = createControlPlane(
      { project, port: await findFreePort(), words: ["--groups", "reviewers"], environment },
      {
        onReady: ({ pid }) => timeline.say(`the server runs: process ${pid}, a SQLite store in a folder`),
        onReport: () => undefined,
        onDeath: (how) => timeline.warn(`the server ${how}; it is started again`),
        onGiveUp: (reason) => failure.abort(new Error(reason)),
      },
    );
    cleanUps.unshift(() => plane.stop());
    const token = await waiting.race(plane.start());
    connect(github, plane);
    const server = { url: plane.url, token };
    const yard = new Stackyard({ ...server, retries: 30 });
    const previews = createPreviewsApi(createHttpClient({ ...server, retries: 30 }));
    const reviewer = createReviewer(plane);
    const observed = await playStory({ yard, previews, github, account, plane, timeline, waiting, reviewer, folder });
    const checks = [...observed, ...(await loadChecks({ yard, github, server, folder, withTerraform }))];
    await show(checks, plane.signInUrl());
  } finally {
    for (const cleanUp of cleanUps) await cleanUp();
  }
}

/** Copies the example; the packages that its configuration names are found as they are in this clone. */
async function createProject(root: string, withTerraform: boolean): Promise<string> {
  const project = join(root, "project");
  await mkdir(project);
  const example = new URL("../", import.meta.url);
  for (const name of ["stackyard.config.ts", "hooks", "machines", "terraform", "functions"]) {
    await cp(fileURLToPath(new URL(name, example)), join(project, name), { recursive: true });
  }
  if (!withTerraform) {
    await cp(fileURLToPath(new URL("demo/machines", example)), join(project, "machines"), { recursive: true });
  }
  await symlink(fileURLToPath(new URL("../../node_modules", example)), join(project, "node_modules"), "dir");
  return project;
}

/** Installs the App in the repository, with a webhook to the server. */
function connect(github: HostSim, { url }: ControlPlane): void {
  github.addRepository(REPOSITORY);
  github.settings.receiver = async ({ headers, body }) => {
    const json = { ...headers, "content-type": "application/json" };
    const response = await fetch(`${url}/hooks/github`, { method: "POST", headers: json, body });
    return response.status;
  };
}
